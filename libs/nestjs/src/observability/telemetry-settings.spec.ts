import { describe, expect, it } from '@jest/globals';
import { InvalidSettings } from '../errors.js';
import { readTelemetrySettings } from './telemetry-settings.js';

const read = (environment: NodeJS.ProcessEnv) => readTelemetrySettings('orders', environment);

describe('what is observed', () => {
  it('is measured and not traced, when nothing is said', () =>
    expect(read({})).toEqual({ tracesUrl: undefined, metrics: true, metricsToken: undefined, service: 'orders' }));

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }, 'http://collector:4318/v1/traces'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://b/traces' },
      'https://b/traces',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:1', OTEL_SDK_DISABLED: 'TRUE' }, undefined],
  ])('sends traces as %j says: %s', (environment, url) => expect(read(environment).tracesUrl).toBe(url));

  it('is not measured when somebody says so', () => {
    expect(read({ OTEL_METRICS_EXPORTER: 'none' }).metrics).toBe(false);
    expect(read({ OTEL_SDK_DISABLED: 'true' }).metrics).toBe(false);
  });

  it('stops the boot with all that is wrong', () => {
    const wrong = { OTEL_METRICS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' };
    expect(() => read(wrong)).toThrow(InvalidSettings);
    expect(() => read(wrong)).toThrow(/OTEL_METRICS_EXPORTER.*\n.*OTEL_EXPORTER_OTLP_ENDPOINT/);
  });
});
