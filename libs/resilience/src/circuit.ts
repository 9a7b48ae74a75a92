/**
 * A circuit breaker: a dependency that keeps failing is left alone for a while, so that callers fail at once instead of
 * waiting, and it can recover.
 *
 *              the rule says: too many failures             `openMs` are over
 *     closed ───────────────────────────────────▶ open ──────────────────────▶ half-open
 *       ▲                                          ▲                             │   │
 *       │                                          └──────── one failure ────────┘   │
 *       └────────────────────── `successes` calls in a row succeed ──────────────────┘
 *
 * Half-open lets through only as many calls at a time as successes are still wanted; all others fail at once. A call
 * belongs to the stay in the state that admitted it: what it says after a transition is counted, and changes nothing, so a
 * straggler of before can neither close nor open the circuit.
 *
 * When to open is decided by cockatiel's breakers. The states are not cockatiel's: see docs/adr/0060.
 */
import { CircuitState as CockatielState, ConsecutiveBreaker, CountBreaker, type IBreaker } from 'cockatiel';
import { CircuitOpen } from './errors.js';

export type CircuitState = 'closed' | 'open' | 'half-open';

export interface CircuitSettings {
  /** So many failures in a row open it. Used when there is no `ratio`. */
  readonly failures: number;
  /** A share of failures, between 0 and 1, above which it opens, among the last `window` calls. */
  readonly ratio?: number | undefined;
  /** How many calls the ratio looks back on; before there were as many, nothing is decided. */
  readonly window: number;
  /** How long it stays open, in ms. */
  readonly openMs: number;
  /** So many successes in a row close it again. */
  readonly successes: number;
}

export interface CircuitTransition {
  readonly dependency: string;
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** What the last failure was, where one opened it. */
  readonly reason?: string | undefined;
}

/** The right to make one call. Say how it ended; the first word counts. */
export interface Permit {
  succeeded(): void;
  failed(reason: string): void;
  /** The call says nothing about the dependency: it was given up, or never made. */
  abandoned(): void;
}

export interface CircuitOptions {
  readonly onTransition?: (transition: CircuitTransition) => void;
  /** A clock that never jumps, in ms. */
  readonly now?: () => number;
}

export class Circuit {
  private stay: Stay = { state: 'closed' };
  private readonly rule: IBreaker;
  private readonly now: () => number;
  private readonly onTransition: (transition: CircuitTransition) => void;

  constructor(
    readonly dependency: string,
    private readonly settings: CircuitSettings,
    { now = () => performance.now(), onTransition = () => undefined }: CircuitOptions = {},
  ) {
    this.now = now;
    this.onTransition = onTransition;
    this.rule = ruleOf(settings);
  }

  /** As time has it: an open circuit whose time is over is half-open, whether or not somebody calls. */
  get state(): CircuitState {
    return this.stay.state === 'open' && this.restMs(this.stay) === 0 ? 'half-open' : this.stay.state;
  }

  /** Milliseconds until calls are let through again; undefined unless open. */
  get nextTryInMs(): number | undefined {
    return this.state === 'open' && this.stay.state === 'open' ? this.restMs(this.stay) : undefined;
  }

  /** @throws CircuitOpen when no call may be made now */
  admit(): Permit {
    if (this.stay.state === 'open') {
      const restMs = this.restMs(this.stay);
      if (restMs > 0) throw this.refusal(restMs);
      this.move({ state: 'half-open', succeeded: 0, running: 0 });
    }
    const { stay } = this;
    if (stay.state === 'half-open') {
      if (stay.succeeded + stay.running >= this.settings.successes) throw this.refusal(0);
      stay.running++;
    }
    return this.permit(stay);
  }

  private permit(stay: Stay): Permit {
    let settled = false;
    const settle = (consequence: () => void) => () => {
      if (settled) return;
      settled = true;
      if (stay.state === 'half-open') stay.running--;
      if (stay === this.stay) consequence();
    };
    return {
      succeeded: settle(() => this.succeed()),
      failed: (reason) => settle(() => this.fail(reason))(),
      abandoned: settle(() => undefined),
    };
  }

  private succeed(): void {
    const { stay } = this;
    this.rule.success(stay.state === 'half-open' ? CockatielState.HalfOpen : CockatielState.Closed);
    if (stay.state === 'half-open' && ++stay.succeeded >= this.settings.successes) this.move({ state: 'closed' });
  }

  private fail(reason: string): void {
    const { state } = this.stay;
    const tooMany = this.rule.failure(state === 'half-open' ? CockatielState.HalfOpen : CockatielState.Closed);
    if (tooMany || state === 'half-open')
      this.move({ state: 'open', until: this.now() + this.settings.openMs }, reason);
  }

  private move(to: Stay, reason?: string): void {
    const from = this.stay.state;
    this.stay = to;
    this.onTransition({ dependency: this.dependency, from, to: to.state, reason });
  }

  private refusal(restMs: number): CircuitOpen {
    const wholeMs = Math.ceil(restMs);
    return new CircuitOpen(this.dependency, new Date(Date.now() + wholeMs).toISOString(), wholeMs);
  }

  private restMs({ until }: OpenStay): number {
    return Math.max(0, until - this.now());
  }
}

/** One stay in a state. Its identity tells calls that it admitted from calls of before. */
type Stay =
  { readonly state: 'closed' } | OpenStay | { readonly state: 'half-open'; succeeded: number; running: number };
interface OpenStay {
  readonly state: 'open';
  readonly until: number;
}

const ruleOf = ({ failures, ratio, window }: CircuitSettings): IBreaker =>
  ratio === undefined ? new ConsecutiveBreaker(failures) : new CountBreaker({ threshold: ratio, size: window });
