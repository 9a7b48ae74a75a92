/** The registry of stored types: which event types a context may append and read, and which category owns each. */
import { DuplicateEventType } from './errors.js';
import { EventSchemas } from './event-schemas.js';

/** A decider, or whatever else owns a category of streams. */
export interface EventOwner {
  readonly category: string;
  readonly eventTypes: readonly string[];
  readonly schemas: EventSchemas;
}

export class EventRegistry {
  /** How all of them are read. */
  readonly schemas: EventSchemas;
  private readonly ownerOf = new Map<string, string>();

  /** @throws DuplicateEventType when two owners have a stored type (or an earlier name of one) in common */
  constructor(owners: readonly EventOwner[]) {
    this.schemas = EventSchemas.of(owners);
    const readable = new Map<string, string>();
    for (const { category, eventTypes, schemas } of owners) {
      for (const type of schemas.versions().keys()) {
        const other = readable.get(type);
        if (other !== undefined) throw new DuplicateEventType(type, [other, category]);
        readable.set(type, category);
      }
      for (const type of eventTypes) {
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
