/**
 * How far an inlet has come when messages are finished out of order: the floor is the position up to which everything
 * is done, and only the floor is safe to remember. It's always a position that the store gave, never one in between.
 */
export class Progress {
  /** Whether a message is done; in the order in which they began, which is the order of the store. */
  private readonly begun = new Map<bigint, boolean>();
  private unfinished = 0;
  private settled: bigint;

  constructor(start: bigint) {
    this.settled = start;
  }

  /** Messages that have begun and are not done. */
  get inHand(): number {
    return this.unfinished;
  }

  /** Everything up to here is done. */
  get floor(): bigint {
    return this.settled;
  }

  begin(position: bigint): void {
    this.begun.set(position, false);
    this.unfinished++;
  }

  done(position: bigint): void {
    this.begun.set(position, true);
    this.unfinished--;
    this.settle();
  }

  /** Says that nothing up to `position` is left to begin. */
  passed(position: bigint): void {
    if (position > this.settled && !this.begun.has(position)) this.begun.set(position, true);
    this.settle();
  }

  private settle(): void {
    for (const [position, done] of this.begun) {
      if (!done) return;
      this.begun.delete(position);
      this.settled = position;
    }
  }
}
