import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { EventDatabase } from '../storage/event-database.js';
import { memoryStorage } from '../storage/memory-storage.js';
import type { Message } from './message.js';
import { strategyNamed } from './strategies.js';

async function message(stream: string, correlation?: string): Promise<Message> {
  const database = new EventDatabase({ ...memoryStorage(), description: 'memory' });
  const metadata = Buffer.from(correlation === undefined ? '' : JSON.stringify({ $correlationId: correlation }));
  const event = { id: randomUUID(), type: Buffer.from('T'), json: true, data: Buffer.from('{}'), metadata };
  const record = database.log.recordAt(await database.commit.stage([database.next(stream, event)]));
  return {
    id: event.id,
    resolved: { event: record, link: undefined },
    sequence: 0,
    parkedRevision: undefined,
    retries: 0,
  };
}

const consumers = (...slots: number[]) => slots.map((freeSlots, id) => ({ id, freeSlots }));
const chosen = (name: string, slots: number[], of: Message) => {
  const choice = strategyNamed(name)?.choose(consumers(...slots), of);
  return typeof choice === 'object' ? choice.consumer.id : choice;
};

describe('consumer strategies', () => {
  it('RoundRobin takes turns and passes over those without room', async () => {
    const strategy = strategyNamed('RoundRobin');
    const one = await message('s');
    const list = consumers(1, 0, 1);
    const turns = [0, 1, 2, 3].map(() => strategy?.choose(list, one));
    expect(turns.map((choice) => (typeof choice === 'object' ? choice.consumer.id : choice))).toEqual([0, 2, 0, 2]);
  });

  it('DispatchToSingle stays with the first that has room', async () => {
    const one = await message('s');
    expect(chosen('DispatchToSingle', [3, 3], one)).toBe(0);
    expect(chosen('DispatchToSingle', [0, 3], one)).toBe(1);
  });

  it('Pinned gives a stream to one consumer, and holds its events when that has no room', async () => {
    const strategy = strategyNamed('Pinned');
    const messages = await Promise.all(Array.from({ length: 40 }, (_, i) => message(`s-${i % 8}`)));
    const owners = new Map<string, unknown>();
    const list = consumers(100, 100, 100);
    for (const one of messages) {
      const choice = strategy?.choose(list, one);
      const stream = one.resolved.event?.stream ?? '';
      const owner = typeof choice === 'object' ? choice.consumer.id : choice;
      expect(owners.get(stream) ?? owner).toBe(owner);
      owners.set(stream, owner);
    }
    expect(new Set(owners.values()).size).toBe(3);
    const [first] = messages;
    if (!first) throw new Error('no message');
    const full = list.map((consumer) => ({ ...consumer, freeSlots: consumer.id === owners.get('s-0') ? 0 : 1 }));
    expect(strategy?.choose(full, first)).toBe('held');
  });

  it('Pinned moves a stream to another consumer when its own is gone', async () => {
    const strategy = strategyNamed('Pinned');
    const one = await message('s');
    expect(strategy?.choose([{ id: 1, freeSlots: 1 }], one)).toMatchObject({ consumer: { id: 1 } });
    expect(strategy?.choose([{ id: 2, freeSlots: 1 }], one)).toMatchObject({ consumer: { id: 2 } });
  });

  it('PinnedByCorrelation gives events of one correlation to one consumer, whatever their streams', async () => {
    const strategy = strategyNamed('PinnedByCorrelation');
    const list = consumers(100, 100);
    const first = strategy?.choose(list, await message('a', 'c-1'));
    expect(strategy?.choose(list, await message('b', 'c-1'))).toEqual(first);
  });

  it.each(['RoundRobin', 'DispatchToSingle', 'Pinned', 'PinnedByCorrelation'])(
    '%s says when nobody has room',
    async (name) => {
      expect(chosen(name, [0, 0], await message('s'))).toBe('full');
    },
  );
});
