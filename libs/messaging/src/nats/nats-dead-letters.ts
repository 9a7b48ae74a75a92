/** Dead letters in a JetStream stream: one subject per context, the stream's sequence is the id. */
import { JetStreamApiError, type JetStreamManager, type StoredMsg } from '@nats-io/jetstream';
import { parseCloudEvent, type CloudEvent } from '../envelope/cloud-event.js';
import { DeadLetterNotReplayable, MessagingUnavailable, NoSuchDeadLetter } from '../errors.js';
import { peek, type DeadLetter, type DeadLetters, type NewDeadLetter } from '../transport/dead-letters.js';
import type { Destination } from '../transport/transport.js';
import type { NatsLinks } from './connection.js';
import type { Topology } from './topology.js';

type Store = (destination: Destination, message: CloudEvent, dedupeId: string) => Promise<void>;

export class NatsDeadLetters implements DeadLetters {
  constructor(
    private readonly links: NatsLinks,
    private readonly topology: Topology,
    private readonly store: Store,
  ) {}

  async list({ context, limit = 100 }: { context?: string; limit?: number } = {}): Promise<DeadLetter[]> {
    return this.call('list of dead letters', async (manager, stream) => {
      const { state } = await manager.streams.info(stream);
      const letters: DeadLetter[] = [];
      if (state.messages === 0) return letters;
      // One by one, without a consumer: there are few, and nats-server 2.9 has no reads in batches.
      for (let seq = state.first_seq; seq <= state.last_seq && letters.length < limit; seq++) {
        const stored = await storedAt(manager, stream, seq);
        if (!stored) continue;
        const letter = toDeadLetter(stored);
        if (context === undefined || letter.context === context) letters.push(letter);
      }
      return letters;
    });
  }

  async count(context: string): Promise<number> {
    const subject = this.topology.deadLetterSubject(context);
    return this.call('count of dead letters', async (manager, stream) => {
      const { state } = await manager.streams.info(stream, { subjects_filter: subject });
      return state.subjects?.[subject] ?? 0;
    });
  }

  async show(id: string): Promise<DeadLetter> {
    return this.call('look at a dead letter', async (manager, stream) => {
      const stored = /^[1-9]\d{0,15}$/.test(id) ? await storedAt(manager, stream, Number(id)) : undefined;
      if (!stored) throw new NoSuchDeadLetter(id);
      return toDeadLetter(stored);
    });
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
    await this.drop(id);
  }

  async drop(id: string): Promise<void> {
    await this.show(id);
    await this.call('drop of a dead letter', (manager, stream) => manager.streams.deleteMessage(stream, Number(id)));
  }

  private async call<Result>(
    operation: string,
    action: (manager: JetStreamManager, stream: string) => Promise<Result>,
  ): Promise<Result> {
    const link = await this.links.use(operation);
    try {
      return await action(link.manager, this.topology.streamName('dead-letters'));
    } catch (error) {
      if (error instanceof NoSuchDeadLetter) throw error;
      throw new MessagingUnavailable(operation, error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
  }
}

async function storedAt(manager: JetStreamManager, stream: string, seq: number): Promise<StoredMsg | undefined> {
  try {
    return (await manager.streams.getMessage(stream, { seq })) ?? undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

function toDeadLetter(stored: StoredMsg): DeadLetter {
  const letter = stored.json<NewDeadLetter>();
  return { id: String(stored.seq), ...letter, message: peek(letter.body) };
}
