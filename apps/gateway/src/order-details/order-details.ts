/**
 * One order with all that the contexts know of it, asked in parallel under one deadline. The orders context decides, by the
 * caller's own token, whether the order is theirs to see; only then is anything told of the other parts, which are asked for on
 * behalf of the shop, since customers have no access there.
 */
import { isCodedError } from '@annals/core';
import { NotFound } from '@annals/nestjs';
import { DependencyTimeout, type HttpAnswer, type ResilientHttp } from '@annals/resilience';

type Json = Record<string, unknown>;

/** The parts beside the order, each of a context of its own. */
export const parts = ['payment', 'reservation', 'shipment'] as const;
export type Part = (typeof parts)[number];

export interface OrderDetails extends Readonly<Record<Part, Json | null>> {
  readonly order: Json;
  /** Parts that could not be had, and why. A part that is `null` and not here does not exist (yet). */
  readonly unavailable: readonly { readonly part: Part; readonly code: string }[];
}

export interface OrderDetailsSources {
  readonly orders: ResilientHttp;
  readonly parts: Readonly<Record<Part, { readonly http: ResilientHttp; readonly path: string }>>;
}

export interface Asking {
  readonly orderId: string;
  /** For read-your-writes: how far the read models must have come. */
  readonly waitFor: string | undefined;
  /** Aborted when nobody wants to know any more. */
  readonly signal: AbortSignal;
  /** The `Authorization` of a service. */
  readonly onBehalfOfTheShop: () => Promise<string>;
}

export type Asked =
  | { readonly details: OrderDetails; readonly lag: string | undefined }
  /** What the orders context said instead of an order, for instance that it is somebody else's. */
  | { readonly refusal: HttpAnswer };

/** For all of it; and for one try, so that a slow context is known to its circuit as slow. In ms. */
const deadlineMs = 2_500;
const tryMs = 2_000;
/** So much longer where read models are waited for. */
const waitMs = 5_500;

/** @throws NotFound; what made the order itself unavailable */
export async function orderDetails(
  { orders, parts: sources }: OrderDetailsSources,
  { orderId, waitFor, signal: gone, onBehalfOfTheShop }: Asking,
): Promise<Asked> {
  const more = waitFor === undefined ? 0 : waitMs;
  const deadline = AbortSignal.timeout(deadlineMs + more);
  const options = {
    signal: AbortSignal.any([gone, deadline]),
    timeoutMs: tryMs + more,
    headers: waitFor === undefined ? {} : { 'annals-wait-for': waitFor },
  };
  const id = encodeURIComponent(orderId);
  const asked = Promise.all(
    parts.map(async (part) => {
      const { http, path } = sources[part];
      const ask = async () => {
        const headers = { ...options.headers, authorization: await onBehalfOfTheShop() };
        return http.get<Json>(`${path}/${id}`, { ...options, headers });
      };
      return [part, await settled(ask())] as const;
    }),
  );
  try {
    const answer = await orders.request({ ...options, path: `/orders/${id}` });
    if (answer.status === 404) throw new NotFound(`There is no order '${orderId}'. Check the id.`);
    if (answer.status >= 300) return { refusal: answer };
    const lag = answer.headers['annals-lag'];
    return { details: joined(answer.json<Json>(), await asked), lag: typeof lag === 'string' ? lag : undefined };
  } catch (error) {
    throw deadline.aborted && !gone.aborted ? new DependencyTimeout('orders', deadlineMs + more) : error;
  }
}

interface Settled {
  readonly value?: Json;
  readonly code?: string;
}

function joined(order: Json, found: readonly (readonly [Part, Settled])[]): OrderDetails {
  const values = Object.fromEntries(found.map(([part, { value = null }]) => [part, value])) as Record<
    Part,
    Json | null
  >;
  const unavailable = found.flatMap(([part, { code }]) => (code === undefined ? [] : [{ part, code }]));
  return { order, ...values, unavailable };
}

/** Never rejects: what one part says must not keep the others back. */
async function settled(asked: Promise<Json | undefined>): Promise<Settled> {
  try {
    const value = await asked;
    return value === undefined ? {} : { value };
  } catch (error) {
    return { code: isCodedError(error) ? error.code : 'DEPENDENCY_TIMEOUT' }; // not coded: the deadline
  }
}
