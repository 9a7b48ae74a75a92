/**
 * Traces and metrics of this process. OpenTelemetry's API is one per process, so contexts that live in one process share
 * what the first one started; it ends with the last one.
 */
import type { Log } from '@annals/core';
import { nestLog } from '../nest-log.js';
import type { Measuring } from './metrics-sdk.js';
import { readTelemetrySettings, type TelemetrySettings } from './telemetry-settings.js';

export interface Telemetry {
  readonly settings: TelemetrySettings;
  /** All metrics in Prometheus' text format; undefined when nothing is measured. */
  metricsText(): Promise<string | undefined>;
  /** Sends what was traced and not sent yet. */
  stop(): Promise<void>;
}

interface Running {
  readonly stopTracing: (() => Promise<void>) | undefined;
  readonly measuring: Measuring | undefined;
}

let running: Promise<Running> | undefined;
let users = 0;

/** @param service its name to those who look at it @throws InvalidSettings */
export async function startTelemetry(service: string, environment: NodeJS.ProcessEnv): Promise<Telemetry> {
  const settings = readTelemetrySettings(service, environment);
  running ??= start(settings, nestLog('Telemetry'));
  const mine = running;
  users++;
  const { measuring } = await mine;
  let stopped: Promise<void> | undefined;
  return {
    settings,
    metricsText: () => Promise.resolve(settings.metrics ? measuring?.text() : undefined),
    stop: () => (stopped ??= release(mine)),
  };
}

async function start({ tracesUrl, metrics, service }: TelemetrySettings, log: Log): Promise<Running> {
  const resource = { 'service.name': service, 'service.namespace': 'annals' };
  const tracing = tracesUrl === undefined ? undefined : await import('./tracing-sdk.js');
  const sdk = metrics ? await import('./metrics-sdk.js') : undefined;
  return {
    stopTracing: tracesUrl === undefined ? undefined : tracing?.startTracing(tracesUrl, resource),
    measuring: sdk?.startMeasuring(resource, (error) => log.warn('Something could not be measured.', { error })),
  };
}

async function release(mine: Promise<Running>): Promise<void> {
  if (--users > 0) return;
  if (running === mine) running = undefined;
  const { stopTracing, measuring } = await mine;
  await Promise.all([stopTracing?.(), measuring?.stop()]);
}
