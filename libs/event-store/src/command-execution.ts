/**
 * Carrying out a command on its aggregate:
 *
 *   state known to this process ──┐                                       ┌─▶ appended: remember, result
 *   snapshot + later events ──────┼─▶ handled before? ─▶ decide ─▶ append ─┤
 *   whole stream ─────────────────┘      └─▶ first result                  └─▶ somebody was faster: read, decide again
 *
 * Commands of one process on the same aggregate queue up, so that they conflict with other processes' commands only.
 * What is appended may rest on a remembered state, because the expected revision proves that it was the newest. What is
 * not proved so (a rejection, "nothing to do", a pinned revision that differs) is decided again on the stream itself.
 */
import { randomUUID } from 'node:crypto';
import {
  fullJitterMs,
  isCodedError,
  pause,
  payloadDigest,
  type Backoff,
  type Decider,
  type DomainCommand,
  type DomainEvent,
} from '@annals/core';
import type { Aggregates } from './aggregates.js';
import { CommandIdReused, ConcurrencyConflict, WrongExpectedRevision } from './errors.js';
import { prepareEvents, type IdentifiedCommand, type PreparedEvents } from './event-preparation.js';
import type { Folded } from './folded.js';
import { KeyedQueue } from './keyed-queue.js';
import type { RecordedEvent } from './recorded-event.js';
import type { Snapshots } from './snapshots.js';
import type { StoredEvents } from './stored-events.js';
import type { Streams } from './streams.js';

/** What a command led to. */
export interface CommandResult<E extends DomainEvent = DomainEvent> {
  readonly stream: string;
  /** Revision of the stream after the command; -1: it has no events. */
  readonly revision: number;
  /** Position in `$all` of the last event appended; undefined when the command appended none. */
  readonly position: bigint | undefined;
  readonly events: readonly E[];
}

export interface ExecuteOptions {
  /** Decide on this revision of the aggregate or not at all: no retry on conflict, but WrongExpectedRevision. */
  readonly expectedRevision?: number;
}

const maxAttempts = 8;
const conflictBackoff: Backoff = { firstMs: 5, maxMs: 250 };

interface Order<State, Cmd extends DomainCommand, Evt extends DomainEvent> {
  readonly decider: Decider<State, Cmd, Evt>;
  readonly stream: string;
  readonly command: Cmd & IdentifiedCommand;
  readonly pinned: number | undefined;
}

export class CommandExecution {
  private readonly queue = new KeyedQueue();

  constructor(
    private readonly streams: Streams,
    private readonly aggregates: Aggregates,
    private readonly snapshots: Snapshots,
    private readonly stored: StoredEvents,
  ) {}

  /** See `EventStore.execute`. */
  async execute<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    decider: Decider<State, Cmd, Evt>,
    given: Cmd,
    { expectedRevision: pinned }: ExecuteOptions,
  ): Promise<CommandResult<Evt>> {
    const stream = decider.streamOf(given);
    const command = {
      ...given,
      metadata: { ...given.metadata, id: given.metadata.id ?? randomUUID() },
      // An id that nobody else knows cannot be reused.
      digest: given.metadata.id === undefined ? undefined : payloadDigest(given.type, given.data),
    };
    const order: Order<State, Cmd, Evt> = { decider, stream, command, pinned };
    return this.queue.run(stream, async () => {
      const remembered = this.aggregates.cached(decider, stream);
      const result = remembered && (await this.onRemembered(order, remembered));
      return result ?? (await this.onNewest(order, remembered));
    });
  }

  /** Undefined when the remembered state proves nothing, or is no longer the newest. */
  private async onRemembered<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    order: Order<State, Cmd, Evt>,
    folded: Folded<State>,
  ): Promise<CommandResult<Evt> | undefined> {
    const first = await this.firstResult(order, folded);
    if (first) return first;
    if (order.pinned !== undefined && order.pinned !== folded.revision) return undefined;
    const prepared = preparedOrUndefined(order, folded);
    if (!prepared || prepared.toAppend.length === 0) return undefined;
    try {
      return await this.append(order, folded, prepared);
    } catch (error) {
      if (error instanceof WrongExpectedRevision) return undefined;
      throw error;
    }
  }

  private async onNewest<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    order: Order<State, Cmd, Evt>,
    remembered: Folded<State> | undefined,
  ): Promise<CommandResult<Evt>> {
    const { decider, stream, command, pinned } = order;
    let known = remembered;
    for (let attempt = 1; ; attempt++) {
      const folded = await this.aggregates.load(decider, stream, known);
      this.aggregates.remember(decider, stream, folded);
      const first = await this.firstResult(order, folded);
      if (first) return first;
      const { revision } = folded;
      if (pinned !== undefined && pinned !== revision)
        throw refusal(order, folded.state) ?? new WrongExpectedRevision(stream, pinned, revision);
      const events = decider.decide(folded.state, command);
      if (events.length === 0) return { stream, revision, position: undefined, events };
      const prepared = prepareEvents(decider, stream, command, folded, events);
      try {
        return await this.append(order, folded, prepared);
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision) || pinned !== undefined) throw error;
        if (attempt === maxAttempts) throw new ConcurrencyConflict(stream, command.type, attempt, error.actual);
        known = folded;
        await pause(fullJitterMs(attempt, conflictBackoff));
      }
    }
  }

  private async append<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    { decider, stream, command }: Order<State, Cmd, Evt>,
    folded: Folded<State>,
    { toAppend, events, state }: PreparedEvents<State, Evt>,
  ): Promise<CommandResult<Evt>> {
    const { revision, position } = await this.streams.append(stream, toAppend, folded.revision);
    if (revision === folded.revision + events.length) {
      folded.handled.add(command.metadata.id, folded.revision + 1);
      const next = { ...folded, state, revision, lastId: toAppend.at(-1)?.id };
      const isDue = this.snapshots.isDue(decider, next);
      this.aggregates.remember(decider, stream, isDue ? { ...next, snapshotRevision: revision } : next);
      if (isDue) this.snapshots.save(decider, stream, next);
    } else {
      this.aggregates.forget(stream);
    }
    return { stream, revision, position, events };
  }

  /**
   * What the command led to when it was carried out before (G3).
   * @throws CommandIdReused when it was another command
   */
  private async firstResult<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    { decider, stream, command }: Order<State, Cmd, Evt>,
    { handled }: Folded<State>,
  ): Promise<CommandResult<Evt> | undefined> {
    const revision = handled.find(command.metadata.id);
    if (revision === undefined) return undefined;
    const recorded = await this.eventsOf(stream, command.metadata.id, revision);
    const last = recorded.at(-1)?.at;
    if (!last) return undefined;
    if (last.commandDigest !== undefined && last.commandDigest !== command.digest)
      throw new CommandIdReused(command.metadata.id, command.type, stream);
    const events = this.stored.readAll<Evt>(decider.schemas, recorded).map(({ event }) => event);
    return { stream, revision: last.revision, position: last.position, events };
  }

  /** The events that a command led to; none when it is not the one whose first event is at `revision`. */
  private async eventsOf(stream: string, commandId: string, revision: number): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const recorded of this.streams.read(stream, { from: revision })) {
      if (recorded.at.causationId !== commandId) break;
      events.push(recorded);
    }
    if (events.length > 0) return events;
    // Two ids have the same hash, and the other one came first; or they belonged to different streams of this name.
    return (await this.streams.readToEnd(stream)).filter(({ at }) => at.causationId === commandId);
  }
}

/** Undefined when the decider rejects, or decides what cannot be stored: the remembered state is not the last word. */
function preparedOrUndefined<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
  { decider, stream, command }: Order<State, Cmd, Evt>,
  folded: Folded<State>,
): PreparedEvents<State, Evt> | undefined {
  try {
    return prepareEvents(decider, stream, command, folded, decider.decide(folded.state, command));
  } catch {
    return undefined;
  }
}

/**
 * Why whoever asks may not even know of the aggregate: then they do not learn its revision from a pinned one that is wrong.
 * Source: RFC 9110, section 13.2.1.
 */
function refusal<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
  { decider, command }: Order<State, Cmd, Evt>,
  state: State,
): Error | undefined {
  try {
    decider.decide(state, command);
    return undefined;
  } catch (error) {
    return isCodedError(error) && (error.kind === 'not-found' || error.kind === 'forbidden') ? error : undefined;
  }
}
