/**
 * Whether the app can do its work now: all parts asked in parallel, each within its own time (@nestjs/terminus joins what
 * they say). One question at a time, and its answer holds for a moment, so that nobody can wear out a database by asking.
 *
 *   starting ─▶ ready ⇄ not ready (a part is down)     SIGTERM ─▶ draining: not ready from then on, whatever the parts say
 */
import type { Log } from '@annals/core';
import type { HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { AskedPart } from './asked-part.js';
import type { HealthPart, PartHealth } from './health-part.js';

export interface Health {
  readonly status: 'ok' | 'degraded' | 'down' | 'draining';
  readonly parts: readonly PartHealth[];
}

export interface ReadinessOptions {
  /** What it depends on; called with the first question. */
  readonly partsOf: () => readonly HealthPart[];
  /** For a part that says nothing else. */
  readonly timeoutMs: number;
  readonly terminus: HealthCheckService;
  readonly indicators: HealthIndicatorService;
  readonly log: Log;
  /** How long an answer holds, in ms. */
  readonly holdsForMs?: number;
}

const draining: Health = { status: 'draining', parts: [] };

export class Readiness {
  private asked: readonly AskedPart[] | undefined;
  private current: { readonly health: Promise<Health>; readonly until: number } | undefined;
  private before: Health['status'] | undefined;
  private ending = false;

  constructor(private readonly options: ReadinessOptions) {}

  get isDraining(): boolean {
    return this.ending;
  }

  drain(): void {
    this.ending = true;
  }

  health(): Promise<Health> {
    if (this.ending) return Promise.resolve(draining);
    const { holdsForMs = 200 } = this.options;
    if (!this.current || performance.now() >= this.current.until) {
      const health = this.ask();
      const asked = { health, until: Infinity };
      this.current = asked;
      const expire = () => {
        if (this.current === asked) this.current = { health, until: performance.now() + holdsForMs };
      };
      health.then(expire, expire);
    }
    return this.current.health;
  }

  private async ask(): Promise<Health> {
    const result = await this.checked();
    const health = this.ending ? draining : healthOf(result);
    this.note(health);
    return health;
  }

  private async checked(): Promise<HealthCheckResult> {
    this.asked ??= this.options.partsOf().map((part) => new AskedPart(part, this.options.timeoutMs));
    try {
      return await this.options.terminus.check(this.asked.map((part) => () => this.indicated(part)));
    } catch (error) {
      // What terminus throws carries the result; anything else is a fault of ours.
      const result = (error as { getResponse?: () => unknown }).getResponse?.();
      if (typeof result === 'object' && result !== null && 'details' in result) return result as HealthCheckResult;
      throw error;
    }
  }

  private async indicated(part: AskedPart) {
    const session = this.options.indicators.check(part.name);
    const condition = await part.condition();
    if (condition.state === 'up') return session.up();
    const { reason } = condition;
    return condition.state === 'degraded' ? session.degraded({ reason }) : session.down({ reason });
  }

  /** Changes are worth a line, each probe is not. */
  private note({ status, parts }: Health): void {
    if (status === this.before) return;
    const { log } = this.options;
    const reasons = parts.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name}: ${reason}`]));
    if (status === 'down') log.warn('Not ready.', { reasons });
    else if (status === 'degraded') log.warn('Ready, but somebody should have a look.', { reasons });
    else if (this.before !== undefined) log.info('Ready again.');
    this.before = status;
  }
}

function healthOf({ status, details }: HealthCheckResult): Health {
  const parts = Object.entries(details).map(([name, { status: state, ...data }]): PartHealth => {
    const { reason } = data as { readonly reason?: string };
    return { name, status: state, ...(reason !== undefined && { reason }) };
  });
  return { status: status === 'ok' || status === 'degraded' ? status : 'down', parts };
}
