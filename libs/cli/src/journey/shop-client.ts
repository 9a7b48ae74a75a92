/** The shop's HTTP interface, as far as the sample orders need it. */
import { pause } from '@annals/core';
import { RequestRefused } from '../errors.js';

/** Base URLs by the name of the app. */
export type AppUrls = Readonly<Record<string, string>>;

/** Where people and programs reach what an app serves: through the gateway, where there is one. */
export const entryTo = (urls: AppUrls, app: string): string =>
  urls['gateway'] === undefined ? (urls[app] ?? '') : `${urls['gateway']}/api`;

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: { readonly amount: number; readonly currency: string };
}

export interface Address {
  readonly name: string;
  readonly street: string;
  readonly postcode: string;
  readonly city: string;
  readonly country: string;
}

export interface OrderRequest {
  readonly customerId: string;
  readonly email: string;
  readonly lines: readonly OrderLine[];
  readonly shipTo: Address;
  readonly cardNumber: string;
}

/** What the read models say about one order; undefined where they do not have it yet. */
export interface OrderView {
  readonly order:
    { readonly status: string; readonly reason?: string | null; readonly shipment?: string | null } | undefined;
  readonly reservation: { readonly status: string } | undefined;
  readonly payment: { readonly status: string; readonly reason?: string | null } | undefined;
  readonly shipment: { readonly status: string; readonly reason?: string | null } | undefined;
}

/** One of a customer's orders, as the list shows it. */
export interface ListedOrder {
  readonly orderId: string;
  readonly status: string;
  readonly reason: string | null;
}

type CallInit = RequestInit & { readonly headers?: Readonly<Record<string, string>> };

interface Page {
  readonly items: readonly ListedOrder[];
  readonly next?: string;
}

const largestPage = 200;
const answerWithinMs = 10_000;
const tryAgainAfterMs = 200;
/** Too many at once, or the app is away for the moment: both pass. */
const passingStatuses = [429, 502, 503, 504];

export class ShopClient {
  constructor(
    private readonly urls: AppUrls,
    /** An operator's. */
    private readonly token: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Pieces free to be reserved; 0 when the SKU is unknown. */
  async available(sku: string): Promise<number> {
    const level = await this.get<{ available: number }>('inventory', `/stock/${sku}`);
    return level?.available ?? 0;
  }

  async receiveStock(sku: string, quantity: number, key: string): Promise<void> {
    await this.post('inventory', `/stock/${sku}/receipts`, { quantity }, key);
  }

  async placeOrder(order: OrderRequest, key: string): Promise<string> {
    const { orderId } = await this.post<{ orderId: string }>('orders', '/orders', order, key);
    return orderId;
  }

  async view(orderId: string): Promise<OrderView> {
    const [order, reservation, payment, shipment] = await Promise.all([
      this.get<NonNullable<OrderView['order']>>('orders', `/orders/${orderId}`),
      this.get<NonNullable<OrderView['reservation']>>('inventory', `/reservations/${orderId}`),
      this.get<NonNullable<OrderView['payment']>>('payments', `/payments/${orderId}`),
      this.get<NonNullable<OrderView['shipment']>>('shipping', `/shipments/${orderId}`),
    ]);
    return { order, reservation, payment, shipment };
  }

  /** All orders of a customer that the read model has by now, the newest first. */
  async ordersOf(customerId: string): Promise<ListedOrder[]> {
    const orders: ListedOrder[] = [];
    const path = `/orders?customerId=${customerId}&limit=${largestPage}`;
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: Page | undefined = await this.get('orders', cursor === '' ? path : `${path}&cursor=${cursor}`);
      orders.push(...(page?.items ?? []));
      cursor = page?.next;
    }
    return orders;
  }

  /** Undefined when it is not there, or its app is away for the moment. */
  private async get<Body>(app: string, path: string): Promise<Body | undefined> {
    const response = await this.fetch(app, path, {});
    if (response === undefined || response.status === 404 || passingStatuses.includes(response.status))
      return undefined;
    return this.bodyOf<Body>(`GET ${app} ${path}`, response);
  }

  /** Tries again while the app is away: with the same key it happens once. */
  private async post<Body>(app: string, path: string, body: object, key: string): Promise<Body> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    for (;;) {
      const response = await this.fetch(app, path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (response && !passingStatuses.includes(response.status)) return this.bodyOf(`POST ${app} ${path}`, response);
      await pause(tryAgainAfterMs, this.signal);
      this.signal.throwIfAborted();
    }
  }

  /** Undefined when the app cannot be reached. */
  private async fetch(app: string, path: string, init: CallInit): Promise<Response | undefined> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(answerWithinMs)]);
    try {
      const headers = { ...init.headers, authorization: `Bearer ${this.token}` };
      return await fetch(`${entryTo(this.urls, app)}${path}`, { ...init, headers, signal });
    } catch {
      this.signal.throwIfAborted();
      return undefined;
    }
  }

  private async bodyOf<Body>(request: string, response: Response): Promise<Body> {
    const text = await response.text();
    if (!response.ok) throw new RequestRefused(request, response.status, text);
    return JSON.parse(text) as Body;
  }
}
