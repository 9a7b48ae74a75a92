/** The port to whoever carries the goods; `carrier/` has what stands behind it. */
import type { Address, Booking, Piece } from '../domain/shipment/shipment.events.js';

export interface Consignment {
  /** Names the shipment at the carrier: the same reference is the same shipment, however often it is asked for. */
  readonly reference: string;
  readonly pieces: readonly Piece[];
  readonly shipTo: Address;
}

export interface Refusal {
  /** The carrier's final word, for people. */
  readonly refused: string;
}

/** All calls may be repeated. They fail with errors of the kind `unavailable` while there is no answer to be had. */
export abstract class Carrier {
  abstract book(consignment: Consignment): Promise<Booking | Refusal>;
  /** Calls a shipment off, also one that is not booked yet: it is refused from then on. */
  abstract cancel(reference: string): Promise<void>;
  /** Has a booked shipment collected; its arrival is reported to `http/`. */
  abstract collect(reference: string): Promise<void>;
}
