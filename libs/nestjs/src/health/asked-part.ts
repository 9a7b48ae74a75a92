/** Asks one part within its time. A part that hangs is asked once: probes must not pile up behind a dead connection. */
import { setTimeout as delay } from 'node:timers/promises';
import { down, type Condition, type HealthPart } from './health-part.js';

export class AskedPart {
  private pending: Promise<Condition> | undefined;

  constructor(
    private readonly part: HealthPart,
    private readonly usuallyWithinMs: number,
  ) {}

  get name(): string {
    return this.part.name;
  }

  async condition(): Promise<Condition> {
    this.pending ??= this.ask();
    const { withinMs = this.usuallyWithinMs } = this.part;
    const answered = new AbortController();
    const late = delay(withinMs, down(`no answer within ${withinMs} ms`), { signal: answered.signal, ref: false });
    try {
      return await Promise.race([this.pending, late]);
    } finally {
      answered.abort();
      late.catch(() => undefined); // it was only a limit
    }
  }

  private async ask(): Promise<Condition> {
    try {
      return await this.part.check();
    } catch (error) {
      return down(error instanceof Error ? error.message : String(error));
    } finally {
      this.pending = undefined;
    }
  }
}
