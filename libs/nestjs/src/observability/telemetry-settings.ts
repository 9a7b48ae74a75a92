/**
 * What is observed of a process, from OpenTelemetry's own variables. The SDK and the exporter read further ones by
 * themselves: OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_EXPORTER_OTLP_HEADERS, OTEL_BSP_*.
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import { InvalidSettings } from '../errors.js';

export interface TelemetrySettings {
  /** Where spans go by OTLP over HTTP; undefined: nothing is traced. */
  readonly tracesUrl: string | undefined;
  /** Whether `/metrics` is measured and served. */
  readonly metrics: boolean;
  /** What `/metrics` asks for as bearer token; undefined: nothing. */
  readonly metricsToken: string | undefined;
  /** The name of the process to those who look at it. */
  readonly service: string;
}

/** @throws InvalidSettings */
export function readTelemetrySettings(service: string, environment: NodeJS.ProcessEnv): TelemetrySettings {
  const given = (name: string) => environment[name]?.trim() || undefined;
  const disabled = given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const metrics = given('OTEL_METRICS_EXPORTER') ?? 'prometheus';
  const problems: string[] = [];
  if (metrics !== 'prometheus' && metrics !== 'none')
    problems.push('OTEL_METRICS_EXPORTER must be prometheus (served at /metrics) or none');
  const base = given('OTEL_EXPORTER_OTLP_ENDPOINT');
  const tracesUrl = given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`);
  if (tracesUrl !== undefined && !isHttpUrl(tracesUrl))
    problems.push('OTEL_EXPORTER_OTLP_ENDPOINT must be an HTTP URL such as http://127.0.0.1:4318');
  if (problems.length > 0) throw new InvalidSettings(problems);
  return {
    tracesUrl: disabled || given('OTEL_TRACES_EXPORTER') === 'none' ? undefined : tracesUrl,
    metrics: !disabled && metrics === 'prometheus',
    metricsToken: given('METRICS_TOKEN'),
    service: given('OTEL_SERVICE_NAME') ?? service,
  };
}

const isHttpUrl = (text: string): boolean => /^https?:/.test(text) && URL.canParse(text);
