/**
 * The carrier's HTTP API. A booking is a resource with a name that we choose, so every request may be sent again:
 *
 *   PUT    /bookings/:reference              201 or 200 with the tracking number; 422 with the reason of a refusal
 *   DELETE /bookings/:reference              204
 *   PUT    /bookings/:reference/collection   202; its arrival is reported to `reportTo`, signed with the shared secret
 */
import { currentContext, fullJitterMs, pause } from '@annals/core';
import { Injectable } from '@nestjs/common';
import { CarrierUnavailable } from '../application/carrier.errors.js';
import { Carrier, type Consignment, type Refusal } from '../application/carrier.js';
import type { Booking } from '../domain/shipment/shipment.events.js';
import { ShippingConfig } from '../shipping.config.js';

const answerWithinMs = 2_000;
/** What lasts longer than these few tries is for the message's redelivery, which waits longer. */
const tries = 4;
const backoff = { firstMs: 50, maxMs: 500 };
const longestReason = 300;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

@Injectable()
export class HttpCarrier extends Carrier {
  constructor(private readonly config: ShippingConfig) {
    super();
  }

  async book({ reference, pieces, shipTo }: Consignment): Promise<Booking | Refusal> {
    const { status, body } = await this.request('PUT', pathOf(reference), { pieces, shipTo });
    if (status === 422) return { refused: text(body['reason']) ?? 'the carrier gives no reason' };
    const [carrier, trackingNumber] = [text(body['carrier']), text(body['trackingNumber'])];
    if (carrier && trackingNumber) return { carrier, trackingNumber };
    throw new CarrierUnavailable(`PUT ${pathOf(reference)}`, `its answer ${status} has no tracking number`);
  }

  async cancel(reference: string): Promise<void> {
    await this.request('DELETE', pathOf(reference));
  }

  async collect(reference: string): Promise<void> {
    await this.request('PUT', `${pathOf(reference)}/collection`, { reportTo: this.config.reportsUrl });
  }

  /** @throws CarrierUnavailable when no try led to an answer of 2xx or 422 */
  private async request(method: string, path: string, body?: object): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(method, path, body);
      } catch (error) {
        if (attempt >= tries || !(error instanceof CarrierUnavailable)) throw error;
        await pause(fullJitterMs(attempt, backoff), new AbortController().signal);
      }
    }
  }

  private async attempt(method: string, path: string, body?: object): Promise<Answer> {
    const request = `${method} ${path}`;
    try {
      const response = await fetch(`${this.config.carrierUrl}${path}`, {
        method,
        signal: AbortSignal.timeout(answerWithinMs),
        headers: headersFor(body),
        ...(body && { body: JSON.stringify(body) }),
      });
      const said = await response.text();
      if (!response.ok && response.status !== 422)
        throw new CarrierUnavailable(request, `it answers ${response.status} ${said.slice(0, longestReason)}`);
      return { status: response.status, body: said === '' ? {} : (JSON.parse(said) as Answer['body']) };
    } catch (error) {
      if (error instanceof CarrierUnavailable) throw error;
      throw new CarrierUnavailable(request, causeOf(error), { cause: error });
    }
  }
}

/** The carrier gives the correlation id back in its reports, so that they belong to the same conversation. */
function headersFor(body: object | undefined): Record<string, string> {
  const correlationId = currentContext()?.correlationId;
  return {
    ...(body && { 'content-type': 'application/json' }),
    ...(correlationId !== undefined && { 'x-correlation-id': correlationId }),
  };
}

const pathOf = (reference: string): string => `/bookings/${encodeURIComponent(reference)}`;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, longestReason) : undefined;

/** `fetch` says only "fetch failed"; why is in the cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
}
