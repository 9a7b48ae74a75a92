const prefix = 'shipment-';

/** What an order's shipment is called outside of this context: by other contexts and by the carrier. */
export const referenceOf = (orderId: string): string => `${prefix}${orderId}`;

/** Undefined for what is no reference of ours. */
export const orderIdOf = (reference: string): string | undefined =>
  reference.startsWith(prefix) && reference.length > prefix.length ? reference.slice(prefix.length) : undefined;
