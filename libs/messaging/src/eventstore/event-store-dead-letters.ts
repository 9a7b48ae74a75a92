/** Dead letters as a stream of their own: one event when a message is buried, one when it is replayed or dropped. */
import { deterministicId, type DomainEvent } from '@annals/core';
import type { RecordedEvent, Streams } from '@annals/event-store';
import { parseCloudEvent, type CloudEvent } from '../envelope/cloud-event.js';
import { DeadLetterNotReplayable, NoSuchDeadLetter } from '../errors.js';
import { peek, type DeadLetter, type DeadLetters, type NewDeadLetter } from '../transport/dead-letters.js';
import type { Destination } from '../transport/transport.js';

type Resolution = 'replayed' | 'dropped';
type Store = (destination: Destination, message: CloudEvent, dedupeId: string) => Promise<void>;
type Guard = <Result>(operation: string, action: () => Promise<Result>) => Promise<Result>;

export class EventStoreDeadLetters implements DeadLetters {
  constructor(
    private readonly streams: Streams,
    private readonly stream: string,
    private readonly store: Store,
    private readonly guarded: Guard,
  ) {}

  async bury(letter: NewDeadLetter): Promise<void> {
    await this.append('DeadLetterBuried', { ...letter }, deterministicId('dead letter', this.stream, letter.place));
  }

  async list({ context, limit = 100 }: { context?: string; limit?: number } = {}): Promise<DeadLetter[]> {
    const letters = await this.open();
    return letters.filter((letter) => context === undefined || letter.context === context).slice(0, limit);
  }

  async count(context: string): Promise<number> {
    return (await this.list({ context, limit: Infinity })).length;
  }

  async show(id: string): Promise<DeadLetter> {
    const letter = (await this.open()).find((candidate) => candidate.id === id);
    if (!letter) throw new NoSuchDeadLetter(id);
    return letter;
  }

  async replay(id: string): Promise<void> {
    const { body, context } = await this.show(id);
    let message: CloudEvent;
    try {
      message = parseCloudEvent(body);
    } catch (cause) {
      throw new DeadLetterNotReplayable(id, { cause });
    }
    await this.store({ kind: 'commands', context }, message, `replay of dead letter ${id}`);
    await this.resolve(id, 'replayed');
  }

  async drop(id: string): Promise<void> {
    await this.show(id);
    await this.resolve(id, 'dropped');
  }

  private async open(): Promise<DeadLetter[]> {
    const history = await this.guarded('list of dead letters', () => this.streams.readToEnd(this.stream));
    const places = new Set<string>();
    const open = new Map<string, DeadLetter>();
    for (const recorded of history) {
      if (recorded.event.type === 'DeadLetterResolved') open.delete((recorded.event.data as { id: string }).id);
      else {
        const letter = toDeadLetter(recorded);
        if (!places.has(letter.place)) open.set(letter.id, letter);
        places.add(letter.place);
      }
    }
    return [...open.values()];
  }

  private resolve(id: string, how: Resolution): Promise<void> {
    return this.append('DeadLetterResolved', { id, how }, deterministicId('dead letter resolved', this.stream, id));
  }

  private async append(type: string, data: Record<string, unknown>, id: string): Promise<void> {
    const event: DomainEvent = { type, data };
    await this.guarded(type, () => this.streams.append(this.stream, [{ id, event, metadata: {} }], 'any'));
  }
}

function toDeadLetter({ event, at }: RecordedEvent): DeadLetter {
  const letter = event.data as NewDeadLetter;
  return { id: String(at.revision), ...letter, message: peek(letter.body) };
}
