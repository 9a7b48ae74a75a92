/**
 * Shadow reads: what legacy answers is asked of the target as well, and the two are compared. The client sees and waits for
 * legacy alone; the target is asked under its own circuit and bulkhead, and what does not fit in is skipped, and counted.
 */
import type { Log } from '@annals/core';
import { BulkheadFull, CircuitOpen, type ResilientHttp } from '@annals/resilience';
import type { AnswerWitness } from '../pass-through/answer.js';
import { differences } from './differences.js';

export interface ShadowCounters {
  readonly compared: number;
  readonly same: number;
  readonly different: number;
  /** The target could not answer. */
  readonly failed: number;
  /** Not compared: no room at the target, legacy broke off, or the answer was too large. */
  readonly skipped: number;
  /** The last differences: where, not what. */
  readonly last: readonly { readonly path: string; readonly at: string; readonly differs: readonly string[] }[];
}

/** Larger answers are not kept to be compared. */
const largestBytes = 256 * 1024;
const remembered = 20;

export class Shadow {
  private readonly counted = { compared: 0, same: 0, different: 0, failed: 0, skipped: 0 };
  private last: ShadowCounters['last'] = [];

  constructor(
    private readonly target: Pick<ResilientHttp, 'request'>,
    private readonly log: Log,
  ) {}

  counters(): ShadowCounters {
    return { ...this.counted, last: this.last };
  }

  /**
   * @param path as the target takes it
   * @param headers what the request is sent with
   * @param ignore names of properties that may differ
   */
  watch(path: string, headers: Readonly<Record<string, string>>, ignore: readonly string[]): AnswerWitness {
    const chunks: Buffer[] = [];
    let [status, size] = [0, 0];
    const shadowed = this.ask(path, headers);
    return {
      began: (given) => (status = given),
      data: (chunk) => {
        size += chunk.length;
        if (size <= largestBytes) chunks.push(chunk);
      },
      ended: () => {
        const legacy = size > largestBytes ? undefined : { status, body: Buffer.concat(chunks) };
        void this.compare({ path, shadowed, legacy, ignore });
      },
      broke: () => void this.compare({ path, shadowed, legacy: undefined, ignore }),
    };
  }

  /** Never rejects: nobody may be waiting when it does. */
  private async ask(path: string, headers: Readonly<Record<string, string>>): Promise<Answered | 'failed' | 'skipped'> {
    try {
      return await this.target.request({ path, headers });
    } catch (error) {
      return error instanceof BulkheadFull || error instanceof CircuitOpen ? 'skipped' : 'failed';
    }
  }

  private async compare({ path, shadowed, legacy, ignore }: Comparison): Promise<void> {
    const target = await shadowed;
    if (legacy === undefined || target === 'skipped') return void this.counted.skipped++;
    if (target === 'failed') return void this.counted.failed++;
    this.counted.compared++;
    const differs = answersDiffer(legacy, target, new Set(ignore));
    if (differs.length === 0) return void this.counted.same++;
    this.counted.different++;
    const where = path.split('?')[0] ?? path;
    this.last = [{ path: where, at: new Date().toISOString(), differs }, ...this.last].slice(0, remembered);
    this.log.warn('Legacy and target answer differently.', { path: where, differs });
  }
}

interface Comparison {
  readonly path: string;
  readonly shadowed: Promise<Answered | 'failed' | 'skipped'>;
  readonly legacy: Answered | undefined;
  readonly ignore: readonly string[];
}

interface Answered {
  readonly status: number;
  readonly body: Buffer;
}

function answersDiffer(legacy: Answered, target: Answered, ignore: ReadonlySet<string>): string[] {
  if (legacy.status !== target.status) return ['status'];
  if (legacy.status >= 400) return []; // errors are worded differently, and mean the same
  const [one, other] = [jsonOf(legacy.body), jsonOf(target.body)];
  if (one === undefined || other === undefined) return legacy.body.equals(target.body) ? [] : ['body'];
  return differences(one, other, ignore);
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined; // compared as bytes
  }
}
