/** What can be set in the environment of the shipping context besides what all contexts have. */
import { InvalidSettings } from '@annals/nestjs';

export class ShippingConfig {
  constructor(
    /** Signs the carrier's reports; both sides have it. */
    readonly carrierSecret: string,
    /** Where the carrier sends its reports: this context, as the carrier reaches it. */
    readonly reportsUrl: string,
  ) {}
}

/** @throws InvalidSettings */
export function readShippingConfig(environment: NodeJS.ProcessEnv): ShippingConfig {
  const port = environment['SHIPPING_PORT'] || environment['PORT'] || '3004';
  const carrierSecret = environment['CARRIER_SECRET'] || 'the carrier and shipping know this';
  const ownUrl = environment['SHIPPING_URL'] || `http://127.0.0.1:${port}`;
  if (!/^https?:\/\//.test(ownUrl) || !URL.canParse(ownUrl))
    throw new InvalidSettings([`SHIPPING_URL must be a URL such as http://127.0.0.1:3004, not '${ownUrl}'`]);
  return new ShippingConfig(carrierSecret, `${ownUrl.replace(/\/$/, '')}/carrier-reports`);
}
