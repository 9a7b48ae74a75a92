/**
 * The policy of one dependency: what the code declares, what the environment overrides, and the check of both. Overrides
 * are `RESILIENCE_<NAME>_TIMEOUT_MS` and so on, and `<NAME>_URL`; docs/guides/resilience.md lists them.
 */
import type { BulkheadSettings } from './bulkhead.js';
import type { CircuitSettings } from './circuit.js';
import type { RetrySettings } from './retry.js';

/** What a declaration may say; all of it has defaults. */
export interface Policy {
  /** Base URL, where the dependency speaks HTTP. */
  readonly url?: string;
  /** How long one try may take, in ms. Default 5,000. */
  readonly timeout?: number;
  /** Default: 3 tries, the first wait at most 2 s, factor 2, at most 10 s. */
  readonly retry?: Partial<RetrySettings>;
  /** Default: opens after 5 failures in a row, for 30 s, and closes after 2 successes. */
  readonly circuit?: Partial<CircuitSettings>;
  /** Default: 20 at once, 20 waiting. */
  readonly bulkhead?: Partial<BulkheadSettings>;
}

export interface PolicySettings {
  readonly url?: string | undefined;
  readonly timeout: number;
  readonly retry: RetrySettings;
  readonly circuit: CircuitSettings;
  readonly bulkhead: BulkheadSettings;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const defaults: PolicySettings = {
  timeout: 5_000,
  retry: { tries: 3, firstMs: 2_000, factor: 2, maxMs: 10_000 },
  circuit: { failures: 5, window: 20, openMs: 30_000, successes: 2 },
  bulkhead: { limit: 20, queue: 20 },
};

interface Limit {
  readonly whole: boolean;
  readonly min: number;
  readonly max: number;
}
const whole = (min: number, max: number): Limit => ({ whole: true, min, max });
const day = 86_400_000;

/** Every number of a policy: the end of its variable's name, where it stands, and what it may be. */
const numbers: readonly (readonly [variable: string, part: keyof PolicySettings, name: string, limit: Limit])[] = [
  ['TIMEOUT_MS', 'timeout', '', whole(1, day)],
  ['RETRY_TRIES', 'retry', 'tries', whole(1, 100)],
  ['RETRY_FIRST_MS', 'retry', 'firstMs', whole(0, day)],
  ['RETRY_FACTOR', 'retry', 'factor', { whole: false, min: 1, max: 100 }],
  ['RETRY_MAX_MS', 'retry', 'maxMs', whole(0, day)],
  ['CIRCUIT_FAILURES', 'circuit', 'failures', whole(1, 1_000_000)],
  ['CIRCUIT_RATIO', 'circuit', 'ratio', { whole: false, min: 0.01, max: 0.99 }],
  ['CIRCUIT_WINDOW', 'circuit', 'window', whole(1, 1_000_000)],
  ['CIRCUIT_OPEN_MS', 'circuit', 'openMs', whole(1, day)],
  ['CIRCUIT_SUCCESSES', 'circuit', 'successes', whole(1, 1_000)],
  ['BULKHEAD_LIMIT', 'bulkhead', 'limit', whole(1, 1_000_000)],
  ['BULKHEAD_QUEUE', 'bulkhead', 'queue', whole(0, 1_000_000)],
];

const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** What stands for `name` in variables: `gift-cards` is `GIFT_CARDS`. */
export const variableName = (name: string): string => name.toUpperCase().replaceAll('-', '_');
export const urlVariable = (name: string): string => `${variableName(name)}_URL`;

/** The settings that hold, and all that is wrong with them, each with its mend. */
export function readPolicy(
  name: string,
  policy: Policy,
  environment: Environment,
): { readonly settings: PolicySettings; readonly problems: readonly string[] } {
  const parts = {
    timeout: { '': policy.timeout ?? defaults.timeout },
    retry: { ...defaults.retry, ...policy.retry },
    circuit: { ...defaults.circuit, ...policy.circuit },
    bulkhead: { ...defaults.bulkhead, ...policy.bulkhead },
  } as Record<string, Record<string, number | undefined>>;
  const problems = namePattern.test(name) ? [] : [`The name '${name}' is not kebab-case. Use for instance 'payments'.`];

  const prefix = `RESILIENCE_${variableName(name)}_`;
  for (const [ending, part, field, limit] of numbers) {
    const text = environment[`${prefix}${ending}`];
    const given = text === undefined || text === '' ? parts[part]?.[field] : Number(text);
    if (given === undefined) continue;
    const where = text ? `${prefix}${ending}=${text}` : `${name}: ${[part, field].filter(Boolean).join('.')} ${given}`;
    if (!fits(given, limit)) problems.push(`${where} is not ${described(limit)}.`);
    (parts[part] ??= {})[field] = given;
  }
  problems.push(...strangers(prefix, environment));

  const url = environment[urlVariable(name)] || policy.url;
  if (url !== undefined && !isHttpUrl(url))
    problems.push(`${urlVariable(name)}: '${url}' is not a URL such as http://127.0.0.1:3003.`);
  const { timeout, retry, circuit, bulkhead } = parts;
  const settings = { url, timeout: timeout?.[''], retry, circuit, bulkhead } as unknown as PolicySettings;
  return { settings, problems };
}

const fits = (value: number, { whole: isWhole, min, max }: Limit): boolean =>
  (isWhole ? Number.isInteger(value) : Number.isFinite(value)) && value >= min && value <= max;

const described = ({ whole: isWhole, min, max }: Limit): string =>
  `a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`;

/** A misspelt override would silently do nothing. One that ends as ours do may be that of a longer name: `stock-levels`. */
function strangers(prefix: string, environment: Environment): string[] {
  const endings = numbers.map(([ending]) => ending);
  return Object.keys(environment)
    .filter((variable) => variable.startsWith(prefix) && !endings.some((ending) => variable.endsWith(`_${ending}`)))
    .map((variable) => `${variable} is not known. Known are: ${endings.map((ending) => prefix + ending).join(', ')}.`);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
