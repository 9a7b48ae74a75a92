/**
 * One dependency and its policy, composed here and nowhere else, from the outside in:
 *
 *     retry ─▶ circuit ─▶ time limit ─▶ bulkhead ─▶ the call
 *
 * Each try asks the circuit: an open one ends the trying. The limit holds for the wait in the queue and the call together:
 * a caller knows how long it waits at most. Only a call that was really made says something about the dependency: who finds
 * the bulkhead full, gives up waiting, or goes away, leaves the circuit as it is.
 */
import { Bulkhead } from './bulkhead.js';
import { Circuit, type CircuitState, type CircuitTransition, type Permit } from './circuit.js';
import { BulkheadFull, CircuitOpen, DependencyTimeout, InvalidPolicy } from './errors.js';
import type { PolicySettings } from './policy.js';
import { retrying, type RetryOptions } from './retry.js';
import { withinTime } from './timeout.js';
import { verdictOn } from './transient.js';

/** How often what has happened since the start of the process. */
export interface DependencyCounters {
  /** Calls that were made, each try for itself. */
  readonly calls: number;
  readonly succeeded: number;
  /** Counted against the dependency; timeouts included. */
  readonly failed: number;
  readonly timedOut: number;
  /** Tries after the first one. */
  readonly retried: number;
  /** Refused because the circuit was open. */
  readonly circuitOpen: number;
  /** Refused because the bulkhead was full, or no place came free in time. */
  readonly bulkheadFull: number;
  /** How often the circuit opened. */
  readonly opened: number;
}

/** What health checks and metrics read. */
export interface DependencyState {
  readonly name: string;
  readonly circuit: CircuitState;
  /** When an open circuit lets the next call through; ISO 8601. */
  readonly nextTryAt?: string;
  /** The last failure that was counted. */
  readonly lastFailure?: string;
  readonly running: number;
  readonly queued: number;
  readonly counters: DependencyCounters;
}

export interface CallOptions {
  /** The caller's own signal: it ends the call, the wait for a place, and the wait for another try. */
  readonly signal?: AbortSignal | undefined;
  /** A time limit for this call's tries that is shorter than the policy's, in ms. */
  readonly timeoutMs?: number | undefined;
  /** Whether the call may be made again: it is idempotent, or carries an idempotency key. Default false: one try. */
  readonly repeatable?: boolean;
}

/** A call that its caller makes itself (to stream, for instance). Say how it ended; the first word counts. */
export type Passage = Omit<Permit, 'failed'> & { failed(error: unknown): void };

export interface DependencyParts {
  readonly now?: (() => number) | undefined;
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  readonly onTransition?: (transition: CircuitTransition) => void;
}

export class Dependency {
  private readonly circuit: Circuit;
  private readonly bulkhead: Bulkhead;
  private readonly counters = {
    calls: 0,
    succeeded: 0,
    failed: 0,
    timedOut: 0,
    retried: 0,
    circuitOpen: 0,
    bulkheadFull: 0,
    opened: 0,
  } satisfies Record<keyof DependencyCounters, number>;
  private lastFailure: string | undefined;

  constructor(
    readonly name: string,
    readonly settings: PolicySettings,
    /** What is wrong with the settings; with any, no call is made. */
    readonly problems: readonly string[],
    private readonly parts: DependencyParts = {},
  ) {
    const { now, onTransition } = parts;
    // A ratio that is none would throw here, before `check` can say everything that is wrong.
    const circuit = problems.length === 0 ? settings.circuit : { ...settings.circuit, ratio: undefined };
    this.circuit = new Circuit(name, circuit, {
      ...(now && { now }),
      onTransition: (transition) => {
        if (transition.to === 'open') this.counters.opened++;
        onTransition?.(transition);
      },
    });
    this.bulkhead = new Bulkhead(name, settings.bulkhead);
  }

  /**
   * Makes a call under the whole policy.
   * @param work must end soon when its signal is aborted: as long as it runs it has a place in the bulkhead
   * @throws CircuitOpen, BulkheadFull, DependencyTimeout, InvalidPolicy; whatever `work` threw the last time
   */
  run<Result>(work: (signal: AbortSignal) => Promise<Result>, options: CallOptions = {}): Promise<Result> {
    const { signal, repeatable = false, timeoutMs = Infinity } = options;
    const once = () => this.try(work, Math.min(timeoutMs, this.settings.timeout), signal);
    return repeatable ? this.retrying({ signal }, once) : once();
  }

  /** Tries again as the policy says; the tries themselves are the caller's. */
  retrying<Result>(options: Pick<RetryOptions, 'signal' | 'worthwhile'>, work: () => Promise<Result>): Promise<Result> {
    const { sleep } = this.parts;
    const onRetry = () => void this.counters.retried++;
    return retrying(this.settings.retry, { ...options, onRetry, ...(sleep && { sleep }) }, work);
  }

  /**
   * The circuit and a place in the bulkhead, for a call that its caller makes and limits in time itself.
   * @returns undefined when one would have to wait for a place
   * @throws CircuitOpen, InvalidPolicy
   */
  tryEnter(): Passage | undefined {
    const permit = this.admit();
    if (this.bulkhead.tryEnter()) return this.passage(permit);
    permit.abandoned();
    return undefined;
  }

  /**
   * As {@link tryEnter}, and waits for a place no longer than the time limit.
   * @throws CircuitOpen, BulkheadFull, InvalidPolicy; the signal's reason when it is aborted while waiting
   */
  async enter(signal?: AbortSignal): Promise<Passage> {
    const permit = this.admit();
    try {
      await this.bulkhead.enter(signal, this.settings.timeout);
      return this.passage(permit);
    } catch (error) {
      permit.abandoned();
      if (error instanceof BulkheadFull) this.counters.bulkheadFull++;
      throw error;
    }
  }

  state(): DependencyState {
    const { nextTryInMs, state: circuit } = this.circuit;
    return {
      name: this.name,
      circuit,
      ...(nextTryInMs !== undefined && { nextTryAt: new Date(Date.now() + Math.ceil(nextTryInMs)).toISOString() }),
      ...(this.lastFailure !== undefined && { lastFailure: this.lastFailure }),
      running: this.bulkhead.running,
      queued: this.bulkhead.queued,
      counters: { ...this.counters },
    };
  }

  private async try<Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const permit = this.admit();
    let made = false;
    const call = async (limit: AbortSignal) => {
      if (!this.bulkhead.tryEnter()) await this.bulkhead.enter(limit);
      try {
        limit.throwIfAborted();
        made = true;
        this.counters.calls++;
        return await work(limit);
      } finally {
        this.bulkhead.leave();
      }
    };
    try {
      const result = await withinTime(this.name, timeoutMs, signal, call);
      this.succeed(permit);
      return result;
    } catch (error) {
      if (made && !signal?.aborted) this.judge(permit, error);
      else permit.abandoned();
      const refusal = made ? error : this.refusalOf(error);
      if (refusal instanceof BulkheadFull && !made) this.counters.bulkheadFull++;
      throw refusal;
    }
  }

  /** Nobody asked the dependency: that there was no place in time is not its timeout, and surely had no effect there. */
  private refusalOf(error: unknown): unknown {
    return error instanceof DependencyTimeout ? this.bulkhead.full() : error;
  }

  private passage(permit: Permit): Passage {
    this.counters.calls++;
    let left = false;
    const leave = (say: () => void) => {
      if (left) return;
      left = true;
      this.bulkhead.leave();
      say();
    };
    return {
      succeeded: () => leave(() => this.succeed(permit)),
      failed: (error) => leave(() => this.judge(permit, error)),
      abandoned: () => leave(() => permit.abandoned()),
    };
  }

  private admit(): Permit {
    if (this.problems.length > 0) throw new InvalidPolicy(this.problems);
    try {
      return this.circuit.admit();
    } catch (error) {
      if (error instanceof CircuitOpen) this.counters.circuitOpen++;
      throw error;
    }
  }

  private succeed(permit: Permit): void {
    this.counters.succeeded++;
    permit.succeeded();
  }

  private judge(permit: Permit, error: unknown): void {
    const verdict = verdictOn(error);
    if (verdict === 'nothing') return permit.abandoned();
    if (verdict === 'well') return this.succeed(permit);
    this.counters.failed++;
    if (error instanceof DependencyTimeout) this.counters.timedOut++;
    this.lastFailure = error instanceof Error ? error.message : String(error);
    permit.failed(this.lastFailure);
  }
}
