/** Runs work of the same key one after the other and of different keys at the same time, up to a limit. */

type Work = () => Promise<void>;

export class KeyedQueue {
  private readonly waiting = new Map<string, Work[]>();
  /** Keys that have work and no worker; in the order in which they came. */
  private readonly ready = new Set<string>();
  private running = 0;
  private readonly whenIdle: (() => void)[] = [];

  constructor(private readonly concurrency: number) {}

  /** @param work must not reject: what to do about a failure is part of it */
  add(key: string, work: Work): void {
    const siblings = this.waiting.get(key);
    if (siblings) {
      siblings.push(work);
      return;
    }
    this.waiting.set(key, [work]);
    this.ready.add(key);
    this.startMore();
  }

  /** Forgets what has not begun. */
  clear(): void {
    for (const key of this.ready) this.waiting.delete(key);
    this.ready.clear();
    for (const siblings of this.waiting.values()) siblings.length = 0;
  }

  /** Settles when nothing is running or waiting. */
  idle(): Promise<void> {
    if (this.running === 0 && this.ready.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenIdle.push(resolve));
  }

  private startMore(): void {
    while (this.running < this.concurrency) {
      const [key] = this.ready;
      if (key === undefined) break;
      this.ready.delete(key);
      this.running++;
      void this.drain(key);
    }
  }

  /** One piece of work of the key, then it is the next key's turn. */
  private async drain(key: string): Promise<void> {
    const siblings = this.waiting.get(key) ?? [];
    try {
      await siblings.shift()?.();
    } finally {
      this.running--;
      if (siblings.length === 0) this.waiting.delete(key);
      else this.ready.add(key);
      this.startMore();
      if (this.running === 0 && this.ready.size === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
    }
  }
}
