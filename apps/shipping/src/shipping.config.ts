/** What can be set in the environment of the shipping context besides what all contexts have. */
import { InvalidSettings, isForDevelopment } from '@annals/nestjs';

export class ShippingConfig {
  constructor(
    /** Signs the carrier's reports; both sides have it. */
    readonly carrierSecret: string,
    /** Where the carrier sends its reports: this context, as the carrier reaches it. */
    readonly reportsUrl: string,
  ) {}
}

/** Everybody can read it here: good for a laptop, and for nothing else. */
const wellKnownSecret = 'the carrier and shipping know this';

/** @throws InvalidSettings */
export function readShippingConfig(environment: NodeJS.ProcessEnv): ShippingConfig {
  const port = environment['SHIPPING_PORT'] || environment['PORT'] || '3004';
  const carrierSecret = environment['CARRIER_SECRET'] || (isForDevelopment(environment) ? wellKnownSecret : '');
  if (carrierSecret === '')
    throw new InvalidSettings([
      'CARRIER_SECRET must be set beyond loopback and in production: whoever knows it may report',
    ]);
  const ownUrl = environment['SHIPPING_URL'] || `http://127.0.0.1:${port}`;
  if (!/^https?:\/\//.test(ownUrl) || !URL.canParse(ownUrl))
    throw new InvalidSettings([`SHIPPING_URL must be a URL such as http://127.0.0.1:3004, not '${ownUrl}'`]);
  return new ShippingConfig(carrierSecret, `${ownUrl.replace(/\/$/, '')}/carrier-reports`);
}
