/** What the carrier knows of shipments, by the reference that the sender chose. */
import { createHash } from 'node:crypto';

interface Booked {
  readonly trackingNumber: string;
  /** How often it was asked for. */
  readonly asked: number;
  /** Nobody else's goods can be sent under its reference. */
  readonly request: string;
}

export type BookingAnswer =
  | { readonly status: 200 | 201; readonly body: { readonly carrier: string; readonly trackingNumber: string } }
  | { readonly status: 409 | 422; readonly body: { readonly reason: string } };

const carrier = 'postbote';

export class Bookings {
  private readonly booked = new Map<string, Booked>();
  private readonly calledOff = new Set<string>();
  private readonly collected = new Set<string>();

  /** @param country where it is to go */
  book(reference: string, request: string, country: string, refusedCountries: readonly string[]): BookingAnswer {
    const before = this.booked.get(reference);
    if (before && before.request !== request)
      return { status: 409, body: { reason: `${reference} is another shipment already` } };
    if (this.calledOff.has(reference)) return { status: 422, body: { reason: `${reference} was called off` } };
    if (refusedCountries.includes(country))
      return { status: 422, body: { reason: `${carrier} does not deliver to ${country}` } };
    const trackingNumber = trackingNumberOf(reference);
    this.booked.set(reference, { trackingNumber, request, asked: (before?.asked ?? 0) + 1 });
    return { status: before ? 200 : 201, body: { carrier, trackingNumber } };
  }

  cancel(reference: string): void {
    this.booked.delete(reference);
    this.calledOff.add(reference);
  }

  /** What is not known was booked before a restart. @returns whether it is the first time; undefined: it was called off */
  collect(reference: string): boolean | undefined {
    if (this.calledOff.has(reference)) return undefined;
    const first = !this.collected.has(reference);
    this.collected.add(reference);
    return first;
  }

  get(reference: string): { trackingNumber: string; asked: number; collected: boolean } | undefined {
    const booking = this.booked.get(reference);
    if (!booking) return undefined;
    const { trackingNumber, asked } = booking;
    return { trackingNumber, asked, collected: this.collected.has(reference) };
  }

  get size(): number {
    return this.booked.size;
  }
}

const trackingNumberOf = (reference: string): string =>
  `PB-${createHash('sha256').update(reference).digest('hex').slice(0, 10).toUpperCase()}`;
