/** How much memory an event takes, about, so that what is held of them can be bounded in bytes as well as in number. */
import type { RecordedEvent } from './recorded-event.js';

/** Only what is larger is remembered: most events are not, and a bound on their number bounds them. */
const small = 4_096;

const sizes = new WeakMap<RecordedEvent, number>();

export function noteSize(recorded: RecordedEvent, bytes: number): void {
  if (bytes > small) sizes.set(recorded, bytes);
}

/** In bytes. */
export const sizeOf = (recorded: RecordedEvent): number => sizes.get(recorded) ?? small;

/** How many of `events`, from `from` on, there are until they are `most`, or `bytes` in size; one at least. */
export function countWithin(events: readonly RecordedEvent[], from: number, most: number, bytes: number): number {
  const end = Math.min(events.length, from + most);
  let held = 0;
  for (let index = from; index < end; index++) {
    const recorded = events[index];
    if (recorded) held += sizeOf(recorded);
    if (held > bytes && index > from) return index - from;
  }
  return end - from;
}
