/**
 * The carrier's HTTP API. A booking is a resource with a name that we choose, so every request may be sent again:
 *
 *   PUT    /bookings/:reference              201 or 200 with the tracking number; 422 with the reason of a refusal
 *   DELETE /bookings/:reference              204
 *   PUT    /bookings/:reference/collection   202; its arrival is reported to `reportTo`, signed with the shared secret
 *
 * What goes along with a request is the correlation id and the trace, and nobody's authorization: it is not our system.
 */
import {
  correlation,
  dependency,
  resilientHttp,
  trace,
  UnexpectedAnswer,
  type Dependencies,
  type HttpAnswer,
  type HttpRequest,
  type Policy,
  type ResilientHttp,
} from '@annals/resilience';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Carrier, type Consignment, type Refusal } from '../application/carrier.js';
import type { Booking } from '../domain/shipment/shipment.events.js';
import { ShippingConfig } from '../shipping.config.js';

/** Tried again here for a moment only: what lasts longer is for the message's redelivery, which waits longer. */
export const carrierPolicy: Policy = {
  url: 'http://127.0.0.1:3006',
  timeout: 2_000,
  retry: { tries: 4, firstMs: 50, maxMs: 500 },
  circuit: { failures: 10, openMs: 2_000 },
  bulkhead: { limit: 20, queue: 200 },
};
export const carrierDependency = dependency('carrier', carrierPolicy);

const longestReason = 300;

@Injectable()
export class HttpCarrier extends Carrier implements OnApplicationShutdown {
  private readonly http: ResilientHttp;

  /** @throws NoUrl */
  constructor(
    private readonly config: ShippingConfig,
    dependencies: Dependencies,
  ) {
    super();
    this.http = resilientHttp('carrier', { dependencies, carries: [correlation, trace] });
  }

  async book({ reference, pieces, shipTo }: Consignment): Promise<Booking | Refusal> {
    const answer = await this.send(
      { method: 'PUT', path: pathOf(reference), body: { pieces, shipTo } },
      [200, 201, 422],
    );
    const { reason, carrier, trackingNumber } = answer.json<Record<string, unknown>>();
    if (answer.status === 422) return { refused: text(reason) ?? 'the carrier gives no reason' };
    const booking = { carrier: text(carrier), trackingNumber: text(trackingNumber) };
    if (isComplete(booking)) return booking;
    throw new UnexpectedAnswer('carrier', answer.status, `there is no tracking number in it`);
  }

  async cancel(reference: string): Promise<void> {
    await this.send({ method: 'DELETE', path: pathOf(reference) }, [204]);
  }

  async collect(reference: string): Promise<void> {
    const { reportsUrl: reportTo } = this.config;
    await this.send({ method: 'PUT', path: `${pathOf(reference)}/collection`, body: { reportTo } }, [202]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.http.close();
  }

  private async send(request: HttpRequest, expected: readonly number[]): Promise<HttpAnswer> {
    const answer = await this.http.request(request);
    if (expected.includes(answer.status)) return answer;
    throw new UnexpectedAnswer('carrier', answer.status, answer.body.toString('utf8').slice(0, longestReason));
  }
}

const pathOf = (reference: string): string => `/bookings/${encodeURIComponent(reference)}`;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, longestReason) : undefined;

const isComplete = (booking: { carrier: string | undefined; trackingNumber: string | undefined }): booking is Booking =>
  booking.carrier !== undefined && booking.trackingNumber !== undefined;
