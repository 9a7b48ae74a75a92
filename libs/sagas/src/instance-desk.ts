/** What people may see of, and do to, the instances of a context's sagas. */
import type { Streams } from '@annals/event-store';
import { SagaInstanceInWrongState, SagaInstanceNotFound } from './errors.js';
import type { InstanceFilter, InstanceIndex } from './instance-index.js';
import {
  foldInstance,
  timelineEntry,
  type InstanceRow,
  type InstanceSummary,
  type TimelineEntry,
} from './instance-view.js';
import { isSagaFact, sagaStream } from './saga-events.js';

export interface InstanceDetails extends InstanceSummary {
  /** Everything that happened, in order. */
  readonly history: readonly TimelineEntry[];
}

export interface DeskPorts {
  readonly streams: Pick<Streams, 'readToEnd'>;
  readonly index: InstanceIndex;
  retry(saga: string, id: string): Promise<void>;
  cancel(saga: string, id: string, reason: string): Promise<void>;
}

export class InstanceDesk {
  constructor(private readonly ports: DeskPorts) {}

  list(filter: InstanceFilter = {}): Promise<InstanceSummary[]> {
    return this.ports.index.list(filter);
  }

  /** @throws SagaInstanceNotFound */
  show(saga: string, id: string): Promise<InstanceDetails> {
    return showInstance(this.ports.streams, saga, id);
  }

  /**
   * Gives a failing or stuck instance another try at once.
   * @returns how it stands afterwards: look at its state and last error
   * @throws SagaInstanceNotFound, SagaInstanceInWrongState
   */
  async retry(saga: string, id: string): Promise<InstanceDetails> {
    const { state } = await this.show(saga, id);
    if (state !== 'failing' && state !== 'stuck') throw new SagaInstanceInWrongState(saga, id, state, 'retried');
    await this.ports.retry(saga, id);
    return this.show(saga, id);
  }

  /**
   * Has an instance give up. Steps that are done are undone first, unless the instance is past its point of no return
   * (then it goes on) or stuck (then it ends as it is).
   * @throws SagaInstanceNotFound, SagaInstanceInWrongState
   */
  async cancel(saga: string, id: string, reason: string): Promise<InstanceDetails> {
    await this.show(saga, id);
    await this.ports.cancel(saga, id, reason);
    return this.show(saga, id);
  }
}

/** An instance with its history, from its stream alone. @throws SagaInstanceNotFound */
export async function showInstance(
  streams: Pick<Streams, 'readToEnd'>,
  saga: string,
  id: string,
): Promise<InstanceDetails> {
  let row: InstanceRow | undefined;
  const history: TimelineEntry[] = [];
  for (const { event, at } of await streams.readToEnd(sagaStream(saga, id))) {
    if (!isSagaFact(event)) continue;
    row = foldInstance(row, event, at);
    const entry = timelineEntry(event, at);
    if (entry) history.push(entry);
  }
  if (!row) throw new SagaInstanceNotFound(saga, id);
  return { ...row.summary, history };
}
