import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DomainError } from '@annals/core';
import { VirtualTime } from '../test/virtual-time.js';
import type { CircuitTransition } from './circuit.js';
import { Dependencies } from './dependencies.js';
import { BulkheadFull, CircuitOpen, DependencyFailed, DependencyTimeout } from './errors.js';
import type { Policy } from './policy.js';

class Declined extends DomainError {
  readonly code = 'DECLINED';
}

const time = { current: new VirtualTime() };
beforeEach(() => {
  time.current = new VirtualTime();
  jest.useFakeTimers({ doNotFake: ['performance', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => void jest.useRealTimers());

function declared(policy: Policy = {}) {
  const { now, sleep } = time.current;
  const dependencies = new Dependencies({ environment: {}, now, sleep });
  const transitions: CircuitTransition[] = [];
  dependencies.onTransition((transition) => transitions.push(transition));
  return { payments: dependencies.declare('payments', policy), dependencies, transitions };
}

/** Work that ends only when its signal is aborted, as a request does. */
const hangs = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const fails = (status: number) => () => Promise.reject(new DependencyFailed('payments', status));
const answers = () => Promise.resolve('paid');

describe('a dependency', () => {
  it('aborts what takes too long, and counts it', async () => {
    const { payments } = declared();
    let aborted = false;
    const call = payments.run((signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return hangs(signal);
    });
    const failure = expect(call).rejects.toMatchObject({ code: 'DEPENDENCY_TIMEOUT', timeoutMs: 5_000 });
    await jest.advanceTimersByTimeAsync(5_000);
    await failure;
    expect(aborted).toBe(true);
    expect(payments.state()).toMatchObject({ running: 0, counters: { calls: 1, failed: 1, timedOut: 1 } });
  });

  it('frees the caller in time even when the work ignores its signal; its place stays taken meanwhile', async () => {
    const { payments } = declared({ timeout: 100 });
    let end: (value: string) => void = () => undefined;
    const call = payments.run(() => new Promise<string>((resolve) => (end = resolve)));
    const failure = expect(call).rejects.toBeInstanceOf(DependencyTimeout);
    await jest.advanceTimersByTimeAsync(100);
    await failure;
    expect(payments.state().running).toBe(1);
    end('late');
    await jest.advanceTimersByTimeAsync(0);
    expect(payments.state()).toMatchObject({ running: 0, counters: { succeeded: 0, failed: 1 } });
  });

  it('tries again only what may be repeated', async () => {
    const { payments } = declared({ circuit: { failures: 100 } });
    await expect(payments.run(fails(503))).rejects.toBeInstanceOf(DependencyFailed);
    expect(payments.state().counters).toMatchObject({ calls: 1, retried: 0 });

    let tries = 0;
    const call = payments.run(() => (++tries < 3 ? fails(503)() : answers()), { repeatable: true });
    for (const waits of [1, 2]) {
      while (time.current.slept.length < waits) await jest.advanceTimersByTimeAsync(1);
      time.current.advance(10_000);
    }
    expect(await call).toBe('paid');
    expect(payments.state().counters).toMatchObject({ calls: 4, retried: 2, succeeded: 1, failed: 3 });
  });

  it('asks nobody while its circuit is open, and does not try again then', async () => {
    const { payments, transitions } = declared({ circuit: { failures: 2 }, retry: { tries: 5 } });
    const call = expect(payments.run(fails(503), { repeatable: true })).rejects.toBeInstanceOf(CircuitOpen);
    while (time.current.slept.length < 1) await jest.advanceTimersByTimeAsync(1);
    time.current.advance(10_000);
    while (time.current.slept.length < 2) await jest.advanceTimersByTimeAsync(1);
    time.current.advance(10_000);
    await call;
    const { circuit, nextTryAt, lastFailure, counters } = payments.state();
    expect({ circuit, lastFailure }).toEqual({ circuit: 'open', lastFailure: expect.stringContaining('answered 503') });
    expect(Date.parse(nextTryAt ?? '')).toBeGreaterThan(Date.now());
    expect(counters).toMatchObject({ calls: 2, circuitOpen: 1, opened: 1 });
    expect(transitions).toMatchObject([{ dependency: 'payments', from: 'closed', to: 'open' }]);
  });

  it('takes a proper answer for health, whatever it says; what was not asked says nothing', async () => {
    const { payments } = declared({ circuit: { failures: 2, successes: 1 }, bulkhead: { limit: 1, queue: 0 } });
    await expect(payments.run(fails(500))).rejects.toThrow();
    await expect(payments.run(() => Promise.reject(new Declined('No.')))).rejects.toBeInstanceOf(Declined);
    await expect(payments.run(fails(500))).rejects.toThrow();
    expect(payments.state().circuit).toBe('closed');

    const held = payments.tryEnter();
    for (let i = 0; i < 5; i++) await expect(payments.run(answers)).rejects.toBeInstanceOf(BulkheadFull);
    expect(payments.state()).toMatchObject({ circuit: 'closed', counters: { bulkheadFull: 5, failed: 2 } });
    held?.succeeded();
    expect(await payments.run(answers)).toBe('paid');
  });

  it('refuses who waited in vain as full, not as timed out: nobody was asked', async () => {
    const { payments } = declared({ timeout: 100, bulkhead: { limit: 1, queue: 5 }, circuit: { failures: 1 } });
    const held = await payments.enter();
    const waiting = expect(payments.run(answers)).rejects.toBeInstanceOf(BulkheadFull);
    expect(payments.state().queued).toBe(1);
    await jest.advanceTimersByTimeAsync(100);
    await waiting;
    expect(payments.state()).toMatchObject({ circuit: 'closed', queued: 0, counters: { calls: 1, bulkheadFull: 1 } });
    held.succeeded();
  });

  it('does not count what its caller gave up', async () => {
    const { payments } = declared({ circuit: { failures: 1 } });
    const gone = new AbortController();
    const call = expect(payments.run(hangs, { signal: gone.signal })).rejects.toThrow('gone');
    gone.abort(new Error('gone'));
    await call;
    await jest.advanceTimersByTimeAsync(0); // the work hears of it, too
    expect(payments.state()).toMatchObject({ circuit: 'closed', running: 0, counters: { calls: 1, failed: 0 } });
  });

  it('is under the same policy for who streams', async () => {
    const { payments } = declared({ circuit: { failures: 1 }, bulkhead: { limit: 1, queue: 1 } });
    const passage = payments.tryEnter();
    expect(payments.tryEnter()).toBeUndefined();
    const second = payments.enter();
    passage?.succeeded();
    passage?.succeeded(); // a place is given back once
    const next = await second;
    expect(payments.state().running).toBe(1);
    next.failed(new Error('broke off'));
    expect(() => payments.tryEnter()).toThrow(CircuitOpen);
    await expect(payments.enter()).rejects.toBeInstanceOf(CircuitOpen);
    expect(payments.state()).toMatchObject({ circuit: 'open', running: 0, lastFailure: 'broke off' });
  });
});
