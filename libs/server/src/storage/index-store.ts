import type { StreamEntry } from './stream-entry.js';

/** Where stream entries are kept between runs. */
export interface IndexStore {
  /** Whether an entry that was saved can be loaded again. */
  readonly persistent: boolean;
  load(name: string): StreamEntry | undefined;
  /** The positions of the revisions from `first` on, a full block. */
  block(number: number, first: number): readonly number[];
  /** Saves a few entries at a time; one that changed meanwhile is dirty again and is saved again later. */
  save(entries: readonly StreamEntry[]): Promise<void>;
}

/** In memory mode the entries themselves are all there is. */
export class NoIndexStore implements IndexStore {
  readonly persistent = false;
  load(): undefined {
    return undefined;
  }
  block(): readonly number[] {
    return [];
  }
  save(): Promise<void> {
    return Promise.resolve();
  }
}
