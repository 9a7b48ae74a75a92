/** The ids of events that are staged: not durable yet, but a repetition must find them. The same id may be staged in several streams. */
export interface KnownEvent {
  readonly revision: number;
  readonly position: number;
}

interface Pending extends KnownEvent {
  readonly stream: string;
  /** The same id in another stream. */
  readonly other: Pending | undefined;
}

export class PendingIds {
  private readonly byId = new Map<string, Pending>();

  get(id: string, stream: string): KnownEvent | undefined {
    let pending = this.byId.get(id);
    while (pending && pending.stream !== stream) pending = pending.other;
    return pending;
  }

  /** The first one of a stream stays. */
  add(id: string, stream: string, revision: number): void {
    const known = this.byId.get(id);
    if (known && this.get(id, stream)) return;
    this.byId.set(id, { stream, revision, position: -1, other: known });
  }

  delete(id: string, stream: string): void {
    const first = this.byId.get(id);
    if (!first) return;
    let kept: Pending | undefined;
    for (let pending: Pending | undefined = first; pending; pending = pending.other)
      if (pending.stream !== stream) kept = { ...pending, other: kept };
    if (kept) this.byId.set(id, kept);
    else this.byId.delete(id);
  }
}
