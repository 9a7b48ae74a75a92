/** What can be set in the environment of the orders context besides what all contexts have. */
import { InvalidSettings } from '@annals/nestjs';
import { durationMs, InvalidDuration, type Duration } from '@annals/sagas';

export class OrdersConfig {
  /** How long a payment may take before an order is cancelled. Holds for orders that are placed from now on. */
  constructor(readonly paymentDeadline: Duration) {}
}

/** @throws InvalidSettings */
export function readOrdersConfig({ PAYMENT_DEADLINE: deadline }: NodeJS.ProcessEnv): OrdersConfig {
  return new OrdersConfig(deadline ? duration('PAYMENT_DEADLINE', deadline) : 'PT2M');
}

function duration(variable: string, text: string): Duration {
  try {
    durationMs(text as Duration);
    return text as Duration;
  } catch (error) {
    if (!(error instanceof InvalidDuration)) throw error;
    throw new InvalidSettings([`${variable} must be an ISO 8601 duration such as PT2M, not '${text}'`]);
  }
}
