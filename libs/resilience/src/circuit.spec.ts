import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { VirtualTime } from '../test/virtual-time.js';
import { Circuit, type CircuitSettings, type CircuitTransition, type Permit } from './circuit.js';
import { CircuitOpen } from './errors.js';

const settings: CircuitSettings = { failures: 5, window: 20, openMs: 30_000, successes: 2 };

function circuitWith(changes: Partial<CircuitSettings> = {}) {
  const time = new VirtualTime();
  const transitions: CircuitTransition[] = [];
  const onTransition = (transition: CircuitTransition) => transitions.push(transition);
  return {
    time,
    transitions,
    circuit: new Circuit('payments', { ...settings, ...changes }, { now: time.now, onTransition }),
  };
}

const fail = (circuit: Circuit, times: number) => {
  for (let i = 0; i < times; i++) circuit.admit().failed('down');
};

describe('a circuit', () => {
  it('opens after five failures in a row, and then says when it will try again', () => {
    const { circuit, time, transitions } = circuitWith();
    fail(circuit, 4);
    circuit.admit().succeeded();
    fail(circuit, 4);
    expect(circuit.state).toBe('closed');
    fail(circuit, 1);
    expect(circuit.state).toBe('open');
    expect(transitions).toEqual([{ dependency: 'payments', from: 'closed', to: 'open', reason: 'down' }]);

    time.advance(10_000);
    const before = Date.now();
    let refusal: unknown;
    try {
      circuit.admit();
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(CircuitOpen);
    const { code, retryAfterMs, nextTryAt } = refusal as CircuitOpen;
    expect({ code, retryAfterMs }).toEqual({ code: 'CIRCUIT_OPEN', retryAfterMs: 20_000 });
    expect(Date.parse(nextTryAt)).toBeGreaterThanOrEqual(before + 20_000);
    expect(Date.parse(nextTryAt)).toBeLessThanOrEqual(Date.now() + 20_000);
    expect(circuit.nextTryInMs).toBe(20_000);
  });

  it('is half-open after its time, lets through only what is wanted, and closes after two successes', () => {
    const { circuit, time, transitions } = circuitWith();
    fail(circuit, 5);
    time.advance(30_000);
    expect(circuit.state).toBe('half-open'); // also when nobody calls: readiness must not wait for a call
    const [first, second] = [circuit.admit(), circuit.admit()];
    expect(() => circuit.admit()).toThrow(CircuitOpen);
    first.succeeded();
    expect(circuit.state).toBe('half-open');
    second.succeeded();
    expect(circuit.state).toBe('closed');
    expect(transitions.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed']);
    fail(circuit, 4);
    expect(circuit.state).toBe('closed'); // it counts from the beginning
  });

  it('opens again, for the whole time, when a try fails', () => {
    const { circuit, time } = circuitWith();
    fail(circuit, 5);
    time.advance(30_000);
    circuit.admit().succeeded();
    circuit.admit().failed('still down');
    expect(circuit.nextTryInMs).toBe(30_000);
  });

  it('gives the place of a try that said nothing to another', () => {
    const { circuit, time } = circuitWith({ successes: 1 });
    fail(circuit, 5);
    time.advance(30_000);
    const tried = circuit.admit();
    expect(() => circuit.admit()).toThrow(CircuitOpen);
    tried.abandoned();
    circuit.admit().succeeded();
    expect(circuit.state).toBe('closed');
  });

  it('is not moved by stragglers of before', () => {
    const { circuit, time } = circuitWith();
    const [wouldClose, wouldOpen] = [circuit.admit(), circuit.admit()];
    fail(circuit, 5);
    time.advance(30_000);
    const tried = circuit.admit();
    wouldClose.succeeded();
    wouldOpen.failed('late');
    expect(circuit.state).toBe('half-open');
    tried.succeeded();
    circuit.admit().succeeded();
    expect(circuit.state).toBe('closed');
  });

  it('can go by the share of failures among the last calls', () => {
    const { circuit } = circuitWith({ ratio: 0.5, window: 10 });
    for (let i = 0; i < 5; i++) {
      circuit.admit().failed('flapping');
      circuit.admit().succeeded();
    }
    expect(circuit.state).toBe('closed'); // half of them: not above
    circuit.admit().failed('flapping'); // takes the place of a failure
    circuit.admit().failed('flapping'); // takes the place of a success
    expect(circuit.state).toBe('open');
  });
});

describe('whatever happens in whatever order, a circuit', () => {
  type Action = { readonly kind: 'call' } | { readonly kind: 'wait'; readonly ms: number } | Settling;
  interface Settling {
    readonly kind: 'succeeded' | 'failed' | 'abandoned';
    readonly which: number;
  }
  const outcome = fc.constantFrom('succeeded' as const, 'failed' as const, 'failed' as const, 'abandoned' as const);
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'call' as const }) },
    { weight: 4, arbitrary: fc.record({ kind: outcome, which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 150 }) }) },
  );
  const shapes = fc.record({
    failures: fc.integer({ min: 1, max: 4 }),
    openMs: fc.integer({ min: 1, max: 100 }),
    successes: fc.integer({ min: 1, max: 3 }),
  });

  /**
   * The state machine once more, written as plain counting over what happened in the present stay; the calls remember
   * the stay that admitted them.
   */
  class Model {
    state: 'closed' | 'open' | 'half-open' = 'closed';
    stay = 0;
    until = 0;
    row = 0;
    running = 0;

    constructor(readonly shape: { failures: number; openMs: number; successes: number }) {}

    mayCall(now: number): boolean {
      if (this.state === 'open' && now >= this.until) this.move('half-open');
      if (this.state === 'closed') return true;
      return this.state === 'half-open' && this.row + this.running < this.shape.successes;
    }

    settle(stay: number, how: Settling['kind'], now: number): void {
      if (stay !== this.stay) return;
      if (this.state === 'half-open') this.running--;
      if (how === 'abandoned') return;
      if (this.state === 'closed') this.row = how === 'failed' ? this.row + 1 : 0;
      else this.row++;
      const opens = how === 'failed' && (this.state === 'half-open' || this.row >= this.shape.failures);
      if (opens) {
        this.move('open');
        this.until = now + this.shape.openMs;
      } else if (this.state === 'half-open' && this.row >= this.shape.successes) this.move('closed');
    }

    private move(state: Model['state']): void {
      this.state = state;
      this.stay++;
      this.row = 0;
      this.running = 0;
    }
  }

  function play(shape: Model['shape'], actions: readonly Action[]) {
    const { circuit, time, transitions } = circuitWith(shape);
    const model = new Model(shape);
    const out: { readonly permit: Permit; readonly stay: number }[] = [];
    for (const each of actions) {
      if (each.kind === 'wait') time.advance(each.ms);
      else if (each.kind === 'call') {
        const may = model.mayCall(time.now());
        let permit: Permit | undefined;
        try {
          permit = circuit.admit();
        } catch (error) {
          expect(error).toBeInstanceOf(CircuitOpen);
        }
        expect(permit !== undefined).toBe(may);
        if (permit) out.push({ permit, stay: model.stay });
        if (permit && model.state === 'half-open') model.running++;
      } else if (out.length > 0) {
        const [call] = out.splice(each.which % out.length, 1);
        if (each.kind === 'failed') call?.permit.failed('down');
        else call?.permit[each.kind]();
        call?.permit.succeeded(); // the first word counts
        model.settle(call?.stay ?? -1, each.kind, time.now());
      }
      const shown = model.state === 'open' && time.now() >= model.until ? 'half-open' : model.state;
      expect(circuit.state).toBe(shown);
    }
    return { circuit, time, transitions, out };
  }

  it('is as its state machine says', () => {
    fc.assert(
      fc.property(shapes, fc.array(action, { maxLength: 120 }), (shape, actions) => void play(shape, actions)),
      {
        numRuns: 500,
      },
    );
  });

  it('goes only the ways that are drawn, and each begins where the last ended', () => {
    const ways = ['closed>open', 'open>half-open', 'half-open>open', 'half-open>closed'];
    fc.assert(
      fc.property(shapes, fc.array(action, { maxLength: 120 }), (shape, actions) => {
        const { transitions } = play(shape, actions);
        let at = 'closed';
        for (const { from, to } of transitions) {
          expect(from).toBe(at);
          expect(ways).toContain(`${from}>${to}`);
          at = to;
        }
      }),
    );
  });

  it('closes again when the dependency is well: it is never stuck', () => {
    fc.assert(
      fc.property(shapes, fc.array(action, { maxLength: 120 }), (shape, actions) => {
        const { circuit, time, out } = play(shape, actions);
        for (const { permit } of out) permit.abandoned();
        time.advance(shape.openMs);
        for (let i = 0; i < shape.successes; i++) circuit.admit().succeeded();
        expect(circuit.state).toBe('closed');
      }),
    );
  });
});
