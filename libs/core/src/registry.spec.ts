import { describe, expect, it } from '@jest/globals';
import { v5 } from 'uuid';
import {
  decider,
  deterministicId,
  DuplicateEventType,
  EventRegistry,
  eventId,
  currentContext,
  runInContext,
} from './index.js';

const make = (category: string, ...types: string[]) =>
  decider({ category, initial: {}, decide: {}, evolve: Object.fromEntries(types.map((type) => [type, () => ({})])) });

describe('EventRegistry', () => {
  it('knows the owner of each type', () => {
    const registry = new EventRegistry([make('order', 'B', 'A'), make('stock', 'C')]);
    expect(registry.types()).toEqual(['A', 'B', 'C']);
    expect(registry.categoryOf('C')).toBe('stock');
    expect(registry.has('D')).toBe(false);
  });

  it('refuses a type with two owners and names both', () => {
    expect(() => new EventRegistry([make('order', 'A'), make('stock', 'A')])).toThrow(
      expect.objectContaining({ constructor: DuplicateEventType, categories: ['order', 'stock'], eventType: 'A' }),
    );
  });
});

describe('message ids and context', () => {
  it('gives the same event id for the same stream, command and index only', () => {
    expect(eventId('order-1', 'c', 0)).toBe(eventId('order-1', 'c', 0));
    const others = [eventId('order-2', 'c', 0), eventId('order-1', 'd', 0), eventId('order-1', 'c', 1)];
    expect(new Set([eventId('order-1', 'c', 0), ...others]).size).toBe(4);
  });

  it('gives UUIDs of version 5, as the package uuid makes them', () => {
    for (let i = 0; i < 200; i++)
      expect(deterministicId('event', 'ü', i)).toBe(
        v5(JSON.stringify(['event', 'ü', i]), '8f3c1f0a-5b7e-4f0e-9d55-2a4f6f1c7a11'),
      );
  });

  it('carries the context across awaits and not outside', async () => {
    await runInContext({ correlationId: 'k' }, async () => {
      await Promise.resolve();
      expect(currentContext()).toEqual({ correlationId: 'k' });
    });
    expect(currentContext()).toBeUndefined();
  });
});
