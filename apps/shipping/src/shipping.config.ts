/** What can be set in the environment of the shipping context besides what all contexts have. */
import { InvalidSettings } from '@annals/nestjs';

export class ShippingConfig {
  constructor(
    /** Base URL of the carrier's API. */
    readonly carrierUrl: string,
    /** Signs the carrier's reports; both sides have it. */
    readonly carrierSecret: string,
    /** Where the carrier sends its reports: this context, as the carrier reaches it. */
    readonly reportsUrl: string,
  ) {}
}

/** @throws InvalidSettings listing all that is wrong */
export function readShippingConfig(environment: NodeJS.ProcessEnv): ShippingConfig {
  const port = environment['SHIPPING_PORT'] || environment['PORT'] || '3004';
  const carrierUrl = environment['CARRIER_URL'] || 'http://127.0.0.1:3006';
  const carrierSecret = environment['CARRIER_SECRET'] || 'the carrier and shipping know this';
  const ownUrl = environment['SHIPPING_URL'] || `http://127.0.0.1:${port}`;
  const problems = Object.entries({ CARRIER_URL: carrierUrl, SHIPPING_URL: ownUrl })
    .filter(([, url]) => !/^https?:\/\//.test(url) || !URL.canParse(url))
    .map(([variable, url]) => `${variable} must be a URL such as http://127.0.0.1:3006, not '${url}'`);
  if (problems.length > 0) throw new InvalidSettings(problems);
  return new ShippingConfig(
    carrierUrl.replace(/\/$/, ''),
    carrierSecret,
    `${ownUrl.replace(/\/$/, '')}/carrier-reports`,
  );
}
