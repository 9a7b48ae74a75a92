/** Tells how far a rebuild has come, a few times per second, and holds it back when it is to be slower. */
import { pause } from '@annals/core';

export interface RebuildProgress {
  /** Events read so far. */
  readonly done: number;
  /** All events, as far as can be told; never less than `done`. */
  readonly total: number;
  readonly eventsPerSecond: number;
  /** undefined: not to be told yet. */
  readonly etaMs: number | undefined;
}

/** How many events there are, as far as can be told at `position`, where `done` were read. */
export type EstimateTotal = (done: number, position: bigint) => Promise<number>;

const reportEveryMs = 200;
const estimateEveryMs = 1_000;

export class ProgressMeter {
  private start: { readonly at: number; readonly done: number } | undefined;
  private done = 0;
  private total = 0;
  private reportedAt = -Infinity;
  private estimatedAt = -Infinity;

  constructor(
    private readonly estimateTotal: EstimateTotal,
    private readonly onProgress: ((progress: RebuildProgress) => void) | undefined,
  ) {}

  /** @param finished `done` is all there is */
  async report(done: number, position: bigint, finished = false): Promise<void> {
    const now = performance.now();
    this.done = done;
    this.start ??= { at: now, done };
    if (!this.onProgress || (!finished && now - this.reportedAt < reportEveryMs)) return;
    this.reportedAt = now;
    if (!finished && now - this.estimatedAt >= estimateEveryMs) {
      this.estimatedAt = now;
      this.total = await this.estimateTotal(done, position);
    }
    const total = finished ? done : Math.max(this.total, done);
    const eventsPerSecond = this.perSecond(now);
    const etaMs = finished ? 0 : eventsPerSecond > 0 ? ((total - done) / eventsPerSecond) * 1_000 : undefined;
    this.onProgress({ done, total, eventsPerSecond, etaMs });
  }

  /** Waits as long as `perSecond` asks for. */
  async holdBack(perSecond: number | undefined, signal: AbortSignal): Promise<void> {
    if (perSecond === undefined || !this.start) return;
    const dueMs = ((this.done - this.start.done) / perSecond) * 1_000;
    const aheadMs = dueMs - (performance.now() - this.start.at);
    if (aheadMs > 0) await pause(aheadMs, signal);
  }

  private perSecond(now: number): number {
    if (!this.start || now === this.start.at) return 0;
    return ((this.done - this.start.done) / (now - this.start.at)) * 1_000;
  }
}
