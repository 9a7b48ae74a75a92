/** Which consumer gets a message: the strategies of EventStoreDB. */
import { correlationOf } from '../storage/system-streams.js';
import type { Message } from './message.js';

export interface Candidate {
  readonly id: number;
  readonly freeSlots: number;
}

/** `held`: its consumer has no room, but others may take other messages. `full`: nobody has room. */
export type Choice<C> = { readonly consumer: C } | 'held' | 'full';

export interface Strategy {
  choose<C extends Candidate>(consumers: readonly C[], message: Message): Choice<C>;
}

const BUCKETS = 1024;

class RoundRobin implements Strategy {
  private turn = 0;

  choose<C extends Candidate>(consumers: readonly C[]): Choice<C> {
    for (let i = 0; i < consumers.length; i++) {
      const consumer = consumers[(this.turn + i) % consumers.length];
      if (!consumer || consumer.freeSlots <= 0) continue;
      this.turn = (this.turn + i + 1) % consumers.length;
      return { consumer };
    }
    return 'full';
  }
}

/** One consumer gets everything until it has no room. */
class DispatchToSingle implements Strategy {
  choose<C extends Candidate>(consumers: readonly C[]): Choice<C> {
    const consumer = consumers.find(({ freeSlots }) => freeSlots > 0);
    return consumer ? { consumer } : 'full';
  }
}

/** All messages with the same key go to the same consumer as long as it is connected. */
class Pinned implements Strategy {
  private readonly owners = new Map<number, number>();

  constructor(private readonly keyOf: (message: Message) => string) {}

  choose<C extends Candidate>(consumers: readonly C[], message: Message): Choice<C> {
    if (consumers.every(({ freeSlots }) => freeSlots <= 0)) return 'full';
    const bucket = hash(this.keyOf(message)) % BUCKETS;
    let owner = consumers.find(({ id }) => id === this.owners.get(bucket));
    if (!owner) {
      owner = this.leastLoaded(consumers);
      if (!owner) return 'full';
      this.owners.set(bucket, owner.id);
    }
    return owner.freeSlots > 0 ? { consumer: owner } : 'held';
  }

  private leastLoaded<C extends Candidate>(consumers: readonly C[]): C | undefined {
    const load = new Map<number, number>();
    for (const owner of this.owners.values()) load.set(owner, (load.get(owner) ?? 0) + 1);
    return [...consumers].sort((a, b) => (load.get(a.id) ?? 0) - (load.get(b.id) ?? 0))[0];
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

const streamOf = ({ resolved }: Message): string => (resolved.event ?? resolved.link)?.stream ?? '';

export function strategyNamed(name: string): Strategy | undefined {
  switch (name) {
    case 'RoundRobin':
      return new RoundRobin();
    case 'DispatchToSingle':
      return new DispatchToSingle();
    case 'Pinned':
      return new Pinned(streamOf);
    case 'PinnedByCorrelation':
      return new Pinned(
        (message) => correlationOf(message.resolved.event?.metadata ?? Buffer.alloc(0)) ?? streamOf(message),
      );
    default:
      return undefined;
  }
}
