/** How well the carrier works at present; `PUT /simulation` changes it while it runs. */
export interface Behaviour {
  /** How long it takes to answer, in ms. */
  readonly latencyMs: number;
  /** Share of requests, 0 to 1, that fail: half of them before they have an effect, half of them after. */
  readonly failing: number;
  /** It hangs up on everybody. */
  readonly down: boolean;
  /** Countries (ISO 3166-1) that it does not deliver to. */
  readonly refusedCountries: readonly string[];
  /** How long a collected shipment is on its way, in ms. */
  readonly transitMs: number;
}

const usual: Behaviour = { latencyMs: 5, failing: 0, down: false, refusedCountries: ['AQ'], transitMs: 1_000 };

/** From CARRIER_LATENCY_MS, CARRIER_FAILING (0 to 1) and CARRIER_TRANSIT_MS. */
export function readBehaviour(environment: NodeJS.ProcessEnv): Behaviour {
  return changed(usual, {
    latencyMs: numberIn(environment['CARRIER_LATENCY_MS']),
    failing: numberIn(environment['CARRIER_FAILING']),
    transitMs: numberIn(environment['CARRIER_TRANSIT_MS']),
  });
}

/** @throws RangeError for what cannot be */
export function changed(behaviour: Behaviour, change: { readonly [Name in keyof Behaviour]?: unknown }): Behaviour {
  const { latencyMs, failing, down, refusedCountries, transitMs } = { ...behaviour, ...withoutUndefined(change) };
  const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 600_000;
  if (!isTime(latencyMs) || !isTime(transitMs)) throw new RangeError('latencyMs and transitMs are 0 to 600000 ms');
  if (typeof failing !== 'number' || !(failing >= 0 && failing <= 1)) throw new RangeError('failing is 0 to 1');
  if (typeof down !== 'boolean') throw new RangeError('down is true or false');
  if (!isTexts(refusedCountries)) throw new RangeError('refusedCountries is a list of country codes');
  return { latencyMs, failing, down, refusedCountries, transitMs };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const numberIn = (text: string | undefined): number | undefined => (text ? Number(text) : undefined);

const withoutUndefined = (change: object): object =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
