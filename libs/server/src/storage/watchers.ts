/** Who waits for new events: readers are woken once per group of appends, and then look for themselves what there is. */
type Wake = () => void;

export class Watchers {
  private readonly allWatchers = new Set<Wake>();
  private readonly streamWatchers = new Map<string, Set<Wake>>();
  private readonly woken = new Set<Wake>();

  /** Calls `wake` after new events of the stream became readable; returns how to stop that. */
  watchStream(stream: string, wake: Wake): () => void {
    const watchers = this.streamWatchers.get(stream) ?? new Set();
    this.streamWatchers.set(stream, watchers.add(wake));
    return () => {
      watchers.delete(wake);
      if (watchers.size === 0 && this.streamWatchers.get(stream) === watchers) this.streamWatchers.delete(stream);
    };
  }

  watchAll(wake: Wake): () => void {
    this.allWatchers.add(wake);
    return () => this.allWatchers.delete(wake);
  }

  /** What is indexed now is told with the next {@link notify}. */
  wake(stream: string): void {
    if (this.streamWatchers.size === 0) return;
    for (const watcher of this.streamWatchers.get(stream) ?? []) this.woken.add(watcher);
  }

  notify(): void {
    const woken = [...this.woken, ...this.allWatchers];
    this.woken.clear();
    for (const wake of woken) {
      try {
        wake();
      } catch (error) {
        // A reader's fault must not stop the writing of others.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}
