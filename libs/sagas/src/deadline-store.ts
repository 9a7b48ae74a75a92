/**
 * The open deadlines of all instances by due time. It is an index: what counts is in the sagas' streams, from which it
 * is filled, so that losing or repeating an entry is harmless.
 */
export interface StoredDeadline {
  /** Derived from the instance's stream and the deadline's number, so that setting it again changes nothing. */
  readonly id: string;
  readonly saga: string;
  readonly instance: string;
  /** `deadline`: the saga's own, by its number; `retry`: when a failing instance is tried again. */
  readonly kind: 'deadline' | 'retry';
  readonly number: number;
  readonly due: Date;
}

export interface DeadlineStore {
  /** Sets and removes, all or nothing; a deadline of the same id is replaced. */
  save(set: readonly StoredDeadline[], removed: readonly string[]): Promise<void>;
  /** Those of the given sagas that are due at `now`, the oldest first. */
  due(sagas: readonly string[], now: Date, limit: number): Promise<StoredDeadline[]>;
  /** When the next of the given sagas' is due. */
  next(sagas: readonly string[]): Promise<Date | undefined>;
}

/** In memory, for tests; an engine fills it from the sagas' streams at its start. */
export class MemoryDeadlineStore implements DeadlineStore {
  private readonly deadlines = new Map<string, StoredDeadline>();

  save(set: readonly StoredDeadline[], removed: readonly string[]): Promise<void> {
    for (const deadline of set) this.deadlines.set(deadline.id, deadline);
    for (const id of removed) this.deadlines.delete(id);
    return Promise.resolve();
  }

  due(sagas: readonly string[], now: Date, limit: number): Promise<StoredDeadline[]> {
    return Promise.resolve(
      this.sorted(sagas)
        .filter(({ due }) => due <= now)
        .slice(0, limit),
    );
  }

  next(sagas: readonly string[]): Promise<Date | undefined> {
    return Promise.resolve(this.sorted(sagas)[0]?.due);
  }

  private sorted(sagas: readonly string[]): StoredDeadline[] {
    return [...this.deadlines.values()]
      .filter(({ saga }) => sagas.includes(saga))
      .sort((a, b) => a.due.getTime() - b.due.getTime());
  }
}
