import { CodedError } from '@annals/core';

/** No answer, or none that can be understood; whether the request had an effect is not known. */
export class CarrierUnavailable extends CodedError {
  readonly code = 'SHIPPING_CARRIER_UNAVAILABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly request: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The carrier did not carry out '${request}': ${reason}. It is asked again; look at CARRIER_URL.`, options);
  }
}
