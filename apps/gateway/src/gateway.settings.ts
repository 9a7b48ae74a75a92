/** The environment of the gateway's process, read and checked once at boot. URLs and policies of the contexts are declared with them. */
import { InvalidSettings } from '@annals/nestjs';

export interface GatewaySettings {
  /** Address and port that it listens on. */
  readonly host: string;
  readonly port: number;
  /** Requests a minute that one client may make; 0: any number. */
  readonly rateLimit: number;
  /** Origins of web pages that may call it (CORS); `*` is any. */
  readonly corsOrigins: readonly string[];
  /** Proxies before it whose `X-Forwarded-For` is believed: addresses or networks. */
  readonly trustedProxies: readonly string[];
  /** The strangler's rules. */
  readonly rulesFile: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws InvalidSettings listing all that is wrong */
export function readGatewaySettings(environment: Environment): GatewaySettings {
  const problems: string[] = [];
  const number = (name: string, fallback: number, max: number): number => {
    const text = environment[name] || String(fallback);
    if (!/^\d{1,9}$/.test(text) || Number(text) > max) problems.push(`${name} must be a whole number from 0 to ${max}`);
    return Number(text);
  };
  const settings: GatewaySettings = {
    host: environment['HOST'] || '127.0.0.1',
    port: number(environment['GATEWAY_PORT'] ? 'GATEWAY_PORT' : 'PORT', 3000, 65_535),
    rateLimit: number('GATEWAY_RATE_LIMIT', 6_000, 100_000_000),
    corsOrigins: list(environment['GATEWAY_CORS_ORIGINS']),
    trustedProxies: list(environment['GATEWAY_TRUSTED_PROXIES']),
    rulesFile: environment['GATEWAY_STRANGLER_RULES'] || undefined,
  };
  for (const origin of settings.corsOrigins)
    if (origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin))
      problems.push(`GATEWAY_CORS_ORIGINS: '${origin}' must be an origin such as https://shop.example`);
  if (problems.length > 0) throw new InvalidSettings(problems);
  return settings;
}

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
