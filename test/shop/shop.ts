/** The whole shop on real parts of its own: an event store, a nats-server, a database for each app. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { freePort } from '@annals/embedded';
import { EventStore, type RecordedEvent } from '@annals/event-store';
import { localToken } from '@annals/nestjs';
import { eventually } from '@annals/testing';
import { AppProcess } from './app-process.js';
import { UndisturbedParts, type ShopParts } from './shop-parts.js';

export type AppName = 'orders' | 'inventory' | 'payments' | 'shipping' | 'notifications';
export const appNames: readonly AppName[] = ['orders', 'inventory', 'payments', 'shipping', 'notifications'];

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

export const testCards = { accepted: '4242424242424242', declined: '4000000000000002' } as const;

/** `refused`: the carrier does not deliver there. */
export const testAddresses = {
  accepted: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  refused: { name: 'Ada Lovelace', street: 'Ice 1', postcode: '1', city: 'McMurdo', country: 'AQ' },
} as const;

/** An order as it is posted. */
export const orderBody = (sku: string, { quantity = 1, card = 'accepted', address = 'accepted' }: OrderKind = {}) => ({
  customerId: 'c-1',
  email: 'ada@example.com',
  cardNumber: testCards[card],
  shipTo: testAddresses[address],
  lines: [{ sku, quantity, unitPrice: { amount: 450, currency: 'EUR' } }],
});

interface OrderKind {
  readonly quantity?: number;
  readonly card?: keyof typeof testCards;
  readonly address?: keyof typeof testAddresses;
}

interface OrderToPlace extends OrderKind {
  readonly sku: string;
  readonly key?: string;
  /** Of the process to ask; default: the first of orders. */
  readonly at?: string;
}

/** Who may do everything. Other tokens are made with `localToken` and sent as the header `authorization`. */
const operator = { subject: 'tester', roles: ['operator'] };

export class Shop {
  private readonly store: EventStore;

  private constructor(
    readonly apps: Readonly<Record<AppName, AppProcess>>,
    /** The simulated carrier; `simulateCarrier` says how well it works. */
    readonly carrier: AppProcess,
    readonly parts: ShopParts,
    /** Database of each app. */
    readonly databases: Readonly<Record<AppName, string>>,
  ) {
    this.store = new EventStore({ url: parts.directEventStoreUrl });
  }

  /** @param transport what carries messages between the contexts @param settings further variables of all apps @param given parts to run on */
  static async start(
    transport: 'nats' | 'eventstore' = 'nats',
    settings: Readonly<Record<string, string>> = {},
    given?: ShopParts,
  ): Promise<Shop> {
    const parts = given ?? (await UndisturbedParts.start());
    const databases = {} as Record<AppName, string>;
    const apps = {} as Record<AppName, AppProcess>;
    const carrierPort = await freePort();
    const carrier = new AppProcess(
      'carrier',
      { ...settings, CARRIER_PORT: String(carrierPort), CARRIER_TRANSIT_MS: '50' },
      carrierPort,
    );
    for (const name of appNames) {
      databases[name] = await parts.databaseOf(name);
      const port = await freePort();
      const environment = {
        EVENTSTORE_URL: parts.eventStoreUrl,
        NATS_URL: parts.natsUrl,
        MESSAGING_TRANSPORT: transport,
        DATABASE_URL: databases[name],
        CARRIER_URL: carrier.url,
        MAIL_OUTBOX: join(parts.folder, 'outbox'),
        PORT: String(port),
        ...settings,
      };
      apps[name] = new AppProcess(name, environment, port);
    }
    const shop = new Shop(apps, carrier, parts, databases);
    await Promise.all([carrier, ...Object.values(apps)].map((app) => app.start()));
    return shop;
  }

  /** One more process of an app, beside the one that runs. */
  async another(name: AppName, port: number): Promise<AppProcess> {
    const process = this.apps[name].twin(port);
    await process.start();
    return process;
  }

  async stop(): Promise<void> {
    await Promise.all([this.carrier, ...Object.values(this.apps)].map((app) => app.end('SIGTERM')));
    await this.store.close();
    await this.parts.stop();
  }

  /** As an operator, unless the headers say who asks. */
  async get<Body = Record<string, unknown>>(
    app: AppName,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    return this.request(this.urlOf(app), path, { headers });
  }

  async post<Body = Record<string, unknown>>(
    app: AppName,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    return this.request(this.urlOf(app), path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  async receiveStock(sku: string, quantity: number): Promise<void> {
    const { status, body } = await this.post('inventory', `/stock/${sku}/receipts`, { quantity });
    if (status !== 201) throw new Error(`Stock was not received: ${JSON.stringify(body)}`);
  }

  /** Changes how well the carrier works, for instance `{ failing: 0.3 }` or `{ down: true }`. */
  async simulateCarrier(behaviour: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await fetch(`${this.carrier.url}/simulation`, { method: 'PUT', body: JSON.stringify(behaviour) });
    if (!response.ok) throw new Error(`The carrier refused: ${await response.text()}`);
  }

  async placeOrder(order: OrderToPlace): Promise<string> {
    const { sku, key, at = this.apps.orders.url, ...kind } = order;
    const { status, body } = await this.request<{ orderId: string }>(at, '/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body: JSON.stringify(orderBody(sku, kind)),
    });
    if (status !== 201) throw new Error(`The order was not placed: ${JSON.stringify(body)}`);
    return body.orderId;
  }

  /** Waits until the query API shows the thing with these properties. */
  async shows(
    app: AppName | AppProcess,
    path: string,
    properties: Record<string, unknown>,
    within = 30_000,
  ): Promise<Record<string, unknown>> {
    return eventually(
      async () => {
        const { body } = await this.request<Record<string, unknown>>(this.urlOf(app), path, {});
        for (const [name, value] of Object.entries(properties))
          if (!isDeepStrictEqual(body[name], value))
            throw new Error(`${path} shows ${JSON.stringify(body)}, not ${JSON.stringify(properties)}`);
        return body;
      },
      { within, every: 50 },
    );
  }

  /** Waits until an order's journey is over, whichever way. */
  async settled(orderId: string): Promise<'confirmed' | 'cancelled'> {
    return eventually(
      async () => {
        const { status } = (await this.get<{ status?: string }>('orders', `/orders/${orderId}`)).body;
        return status === 'confirmed' || status === 'cancelled' ? status : null;
      },
      { within: 30_000, every: 50 },
    );
  }

  /** The stored types of a stream's events: what really happened, whatever read models say. */
  async eventTypes(stream: string): Promise<string[]> {
    return (await this.store.streams.readToEnd(stream)).map(({ event }) => event.type);
  }

  async correlationIds(stream: string): Promise<string[]> {
    return (await this.store.streams.readToEnd(stream)).map(({ at }) => at.correlationId);
  }

  /** How many events of a type there are in all streams. */
  async countEvents(type: string): Promise<number> {
    const [newest] = await this.store.streams.readToEnd(`$et-${type}`, { direction: 'backwards', maxCount: 1 });
    return newest === undefined ? 0 : newest.at.revision + 1;
  }

  /** Everything that happened, in the order in which it was stored. */
  async everything(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const event of this.store.streams.readAll()) events.push(event);
    return events;
  }

  private urlOf(app: AppName | AppProcess): string {
    return typeof app === 'string' ? this.apps[app].url : app.url;
  }

  private async request<Body>(
    url: string,
    path: string,
    { headers = {}, ...init }: RequestInit & { readonly headers?: Record<string, string> },
  ): Promise<Answer<Body>> {
    const authorization = `Bearer ${await localToken(operator, 60)}`;
    const response = await fetch(`${url}${path}`, { ...init, headers: { authorization, ...headers } });
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) as Body };
  }
}
