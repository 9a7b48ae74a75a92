/** OpenTelemetry's SDK for metrics, read when Prometheus asks; loaded by those processes only that measure. */
import { metrics } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { measureProcess } from './process-metrics.js';

export interface Measuring {
  /** All metrics in Prometheus' text format, each with the label `service_name`. */
  text(): Promise<string>;
  stop(): Promise<void>;
}

/** Nothing is pushed. */
class PulledReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** @param onError told of what could not be measured */
export function startMeasuring(
  resource: Readonly<Record<string, string>>,
  onError: (error: unknown) => void,
): Measuring {
  const reader = new PulledReader();
  const provider = new MeterProvider({ resource: resourceFromAttributes(resource), readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  measureProcess();
  const serializer = new PrometheusSerializer('', false, /^service\.name$/, false, true);
  return {
    async text() {
      const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: 5_000 });
      for (const error of errors) onError(error);
      return serializer.serialize(withUnits(resourceMetrics));
    },
    async stop() {
      metrics.disable();
      await provider.shutdown();
    },
  };
}

/** Of https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/, as far as they are used here. */
const suffixes: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes' };

/** The serializer leaves out what Prometheus' users expect at the end of a name. */
const withUnits = (all: ResourceMetrics): ResourceMetrics => ({
  ...all,
  scopeMetrics: all.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics.map((metric) => {
      const { name, unit } = metric.descriptor;
      return { ...metric, descriptor: { ...metric.descriptor, name: `${name}${suffixes[unit] ?? ''}`, unit: '' } };
    }),
  })),
});
