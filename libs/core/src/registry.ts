/** The registry of stored types: which event types a context may append and read, and which category owns each. */
import type { AnyDecider } from './decider.js';
import { DuplicateEventType } from './errors.js';

export class EventRegistry {
  private readonly ownerOf = new Map<string, string>();

  /** @throws DuplicateEventType when two deciders have an event type in common */
  constructor(deciders: readonly AnyDecider[]) {
    for (const { category, eventTypes } of deciders) {
      for (const type of eventTypes) {
        const owner = this.ownerOf.get(type);
        if (owner !== undefined) throw new DuplicateEventType(type, [owner, category]);
        this.ownerOf.set(type, category);
      }
    }
  }

  has(type: string): boolean {
    return this.ownerOf.has(type);
  }

  /** All registered types, sorted. */
  types(): string[] {
    return [...this.ownerOf.keys()].sort();
  }

  /** The category whose streams hold events of this type. */
  categoryOf(type: string): string | undefined {
    return this.ownerOf.get(type);
  }
}
