/** Metrics on nothing but OpenTelemetry's API: without an SDK, recording does nothing. */
import {
  createNoopMeter,
  metrics,
  type Attributes,
  type Histogram,
  type Meter,
  type MeterProvider,
} from '@opentelemetry/api';

/** The boundaries that OpenTelemetry recommends for durations in seconds. */
export const durationBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/**
 * An instrument that is made when it is first used, and again when another SDK is registered: what is made before there
 * is one would never report.
 */
export function instrument<Instrument>(make: (meter: Meter) => Instrument): () => Instrument {
  let made: { readonly provider: MeterProvider; readonly instrument: Instrument } | undefined;
  return () => {
    const provider = metrics.getMeterProvider();
    if (made?.provider !== provider) made = { provider, instrument: make(provider.getMeter('annals')) };
    return made.instrument;
  };
}

const measuring = instrument((meter) => meter !== createNoopMeter());

/** Whether there is an SDK that measures. */
export const isMeasuring = (): boolean => measuring();

/** A histogram of durations, in seconds. */
export const durationHistogram = (name: string, description: string): (() => Histogram) =>
  instrument((meter) =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: durationBuckets } }),
  );

/** Measures how long `work` takes. @param attributes of the outcome; given the error when it failed */
export function timed<Result>(
  histogram: () => Histogram,
  attributes: (failure?: { readonly error: unknown }) => Attributes,
  work: () => Promise<Result>,
): Promise<Result> {
  return isMeasuring() ? measured(histogram, attributes, work) : work();
}

async function measured<Result>(
  histogram: () => Histogram,
  attributes: (failure?: { readonly error: unknown }) => Attributes,
  work: () => Promise<Result>,
): Promise<Result> {
  const began = performance.now();
  const record = (failure?: { readonly error: unknown }) =>
    histogram().record((performance.now() - began) / 1_000, attributes(failure));
  try {
    const result = await work();
    record();
    return result;
  } catch (error) {
    record({ error });
    throw error;
  }
}
