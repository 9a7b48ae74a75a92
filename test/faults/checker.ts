/** What must be true of the shop once it is quiet, whatever went wrong before: judged by the event streams alone. */
import type { RecordedEvent } from '@annals/event-store';

interface Line {
  readonly sku: string;
  readonly quantity: number;
}
interface Money {
  readonly amount: number;
}

type Stored = Pick<RecordedEvent, 'event'> & { readonly at: Pick<RecordedEvent['at'], 'stream'> };

/** What the streams say about one order. */
class OrderFacts {
  readonly happened = new Map<string, number>();
  total = 0;
  taken = 0;
  lines: readonly Line[] = [];
  /** Pieces that stand reserved for it, by article. */
  readonly allocated = new Map<string, number>();
  readonly mailsSent = new Map<string, number>();

  count(type: string): number {
    return this.happened.get(type) ?? 0;
  }

  note({ event: { type, data: stored } }: Stored): void {
    this.happened.set(type, this.count(type) + 1);
    const data = stored as Readonly<Record<string, unknown>>;
    switch (type) {
      case 'OrderPlaced':
        this.total = (data['total'] as Money).amount;
        this.lines = data['lines'] as readonly Line[];
        break;
      case 'PaymentTaken':
        this.taken += (data['amount'] as Money).amount;
        break;
      case 'PaymentRefunded':
        this.taken -= (data['amount'] as Money).amount;
        break;
      case 'StockAllocated':
        add(this.allocated, data['sku'] as string, data['quantity'] as number);
        break;
      case 'StockAllocationReleased':
        add(this.allocated, data['sku'] as string, -(data['quantity'] as number));
        break;
      case 'MailSent':
        add(this.mailsSent, data['kind'] as string, 1);
        break;
    }
  }

  *violations(): Generator<string> {
    const confirmed = this.count('OrderConfirmed');
    const cancelled = this.count('OrderCancelled');
    if (this.count('OrderPlaced') !== 1) yield `was placed ${this.count('OrderPlaced')} times`;
    if (confirmed + cancelled !== 1) yield `was confirmed ${confirmed} times and cancelled ${cancelled} times`;
    for (const type of ['PaymentTaken', 'PaymentRefunded', 'StockReserved', 'ShipmentArranged', 'ShipmentDispatched'])
      if (this.count(type) > 1) yield `${type} happened ${this.count(type)} times`;
    const owed = confirmed ? this.total : 0;
    if (this.taken !== owed) yield `${this.taken} was taken, ${owed} is owed`;
    yield* this.stockViolations(confirmed > 0);
    const isShipped = this.count('ShipmentArranged') > 0 && this.count('ShipmentCancelled') === 0;
    if (isShipped !== confirmed > 0) yield `its shipment is ${isShipped ? '' : 'not '}under way`;
    if (confirmed && this.count('ShipmentDelivered') !== 1) yield 'it was not delivered';
    yield* this.mailViolations(confirmed > 0);
  }

  private *stockViolations(confirmed: boolean): Generator<string> {
    const wanted = new Map<string, number>();
    if (confirmed) for (const { sku, quantity } of this.lines) add(wanted, sku, quantity);
    for (const sku of new Set([...wanted.keys(), ...this.allocated.keys()]))
      if ((this.allocated.get(sku) ?? 0) !== (wanted.get(sku) ?? 0))
        yield `${this.allocated.get(sku) ?? 0} of ${sku} are reserved, it takes ${wanted.get(sku) ?? 0}`;
  }

  private *mailViolations(confirmed: boolean): Generator<string> {
    for (const kind of confirmed ? ['order-confirmed', 'order-dispatched'] : ['order-cancelled'])
      if ((this.mailsSent.get(kind) ?? 0) !== 1)
        yield `the mail ${kind} was sent ${this.mailsSent.get(kind) ?? 0} times`;
    for (const [kind, times] of this.mailsSent)
      if ((kind === 'order-cancelled') === confirmed) yield `the mail ${kind} was sent ${times} times`;
  }
}

/** @returns what is wrong, a sentence each; empty when everything is as it must be */
export function violations(events: Iterable<Stored>, placed: readonly string[]): string[] {
  const orders = new Map<string, OrderFacts>();
  const sagas = new Map<string, string | null>();
  const stock = new Map<string, number>();
  for (const stored of events) {
    const { type, data: raw } = stored.event;
    const data = raw as Readonly<Record<string, unknown>>;
    if (stored.at.stream.startsWith('saga-')) noteSaga(sagas, stored);
    else if (typeof data['orderId'] === 'string') factsOf(orders, data['orderId']).note(stored);
    if (type === 'StockReceived' || type === 'StockAllocationReleased')
      add(stock, data['sku'] as string, data['quantity'] as number);
    if (type === 'StockAllocated') add(stock, data['sku'] as string, -(data['quantity'] as number));
  }
  return [
    ...placed.filter((id) => !orders.has(id)).map((id) => `order ${id}: was acknowledged, and is nowhere`),
    ...[...orders].flatMap(([id, facts]) => [...facts.violations()].map((violation) => `order ${id}: ${violation}`)),
    ...[...stock].filter(([, left]) => left < 0).map(([sku, left]) => `stock ${sku}: ${left} are left`),
    ...[...sagas].filter(([, outcome]) => outcome === null).map(([stream]) => `${stream} is open`),
    ...[...sagas]
      .filter(([, outcome]) => outcome === 'compensated-with-failures')
      .map(([stream]) => `${stream} could not undo everything`),
  ];
}

/** null: it is not over. */
function noteSaga(sagas: Map<string, string | null>, { event: { type, data }, at: { stream } }: Stored): void {
  if (type === 'SagaStarted') sagas.set(stream, null);
  if (type === 'SagaEnded') sagas.set(stream, (data as { readonly outcome: string }).outcome);
}

function factsOf(orders: Map<string, OrderFacts>, orderId: string): OrderFacts {
  const known = orders.get(orderId);
  if (known) return known;
  const facts = new OrderFacts();
  orders.set(orderId, facts);
  return facts;
}

const add = (sums: Map<string, number>, key: string, amount: number) => sums.set(key, (sums.get(key) ?? 0) + amount);
