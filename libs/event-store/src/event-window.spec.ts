import { describe, expect, it } from '@jest/globals';
import { noteSize } from './event-sizes.js';
import { EventWindow } from './event-window.js';
import { FeedReader } from './feed-reader.js';
import { Histories } from './history.js';
import type { RecordedEvent } from './recorded-event.js';

const megabyte = 1024 * 1024;

/** @param bytes that it is said to take */
function event(position: number, bytes = 100): RecordedEvent {
  const id = `id-${position}`;
  const recorded: RecordedEvent = {
    event: { type: 'Happened', data: {} },
    at: {
      ...{ id, stream: 's', revision: position, position: BigInt(position), created: new Date(0) },
      ...{ correlationId: id, causationId: id },
    },
  };
  noteSize(recorded, bytes);
  return recorded;
}

const filled = (count: number, bytes?: number) => {
  const window = new EventWindow();
  window.startAfter(0n);
  for (let position = 1; position <= count; position++) window.push([event(position, bytes)]);
  return window;
};
const positionsIn = (events: readonly RecordedEvent[]) => events.map(({ at }) => Number(at.position));

describe('the window', () => {
  it('keeps the newest events, bounded in number, and says from where it does', () => {
    const window = filled(20_000);
    const start = Number(window.start);
    expect(start).toBeGreaterThan(20_000 - 16_385);
    expect(window.covers(BigInt(start - 1))).toBe(false);
    expect(positionsIn(window.after(BigInt(start), 2, Infinity))).toEqual([start + 1, start + 2]);
    expect(window.end).toBe(20_000n);
  });

  it('is bounded in bytes as well', () => {
    const window = filled(500, megabyte);
    expect(Number(window.start)).toBeGreaterThan(500 - 130);
    expect(positionsIn(window.after(499n, 10, Infinity))).toEqual([500]);
  });

  it('has every event once, however often it is pushed', () => {
    const window = filled(3);
    window.push([event(2), event(3), event(4)]);
    expect(positionsIn(window.after(0n, 10, Infinity))).toEqual([1, 2, 3, 4]);
  });
});

describe('a batch', () => {
  it('has fewer events when they are large, but one at least', async () => {
    const window = filled(4, 7 * megabyte);
    window.push([event(5, 40 * megabyte), event(6)]);
    const open = () => {
      throw new Error('The window has it all.');
    };
    const histories = new Histories({ open, liveStart: () => window.start });
    const reader = new FeedReader(window, histories, 0n, (recorded) => recorded);
    const { signal } = new AbortController();
    const batches = [];
    do batches.push(await reader.next(100, signal));
    while (!batches.at(-1)?.live);
    expect(batches.map(({ events }) => positionsIn(events))).toEqual([[1, 2], [3, 4], [5], [6]]);
    expect(batches.map(({ position }) => Number(position))).toEqual([2, 4, 5, 6]);
  });
});
