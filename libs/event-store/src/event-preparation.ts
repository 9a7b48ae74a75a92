/** What was decided, made ready for the store; every mistake is found here, before anything is appended. */
import {
  assertJson,
  currentContext,
  currentTraceparent,
  eventId,
  type AnyDecider,
  type Decider,
  type DomainCommand,
  type DomainEvent,
} from '@annals/core';
import type { Folded } from './folded.js';
import { AppendTooLarge, TooManyEvents, UnfoldableEvent, UnregisteredEvent } from './errors.js';
import type { StoredMetadata } from './recorded-event.js';
import type { EventToAppend } from './streams.js';

/** A command with an id, and the digest of its payload where somebody else chose the id. */
export type IdentifiedCommand = DomainCommand & {
  readonly metadata: { readonly id: string };
  readonly digest: string | undefined;
};

/** More events in one command are a mistake: they would be one append, one transaction, one cache entry. */
export const maxEventsPerCommand = 5_000;
/** EventStoreDB takes 16 MiB in one record whatever its settings, and 1 MiB in one append by default, which it checks itself. */
const maxAppendBytes = 16 * 1024 * 1024;

export interface PreparedEvents<State, Evt extends DomainEvent> {
  readonly toAppend: readonly EventToAppend[];
  readonly events: readonly Evt[];
  /** The state after them. */
  readonly state: State;
}

/** @throws TooManyEvents, UnregisteredEvent, NotJson, AppendTooLarge, UnfoldableEvent */
export function prepareEvents<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
  decider: Decider<State, Cmd, Evt>,
  stream: string,
  command: IdentifiedCommand,
  { state: before }: Folded<State>,
  events: readonly Evt[],
): PreparedEvents<State, Evt> {
  if (events.length > maxEventsPerCommand) throw new TooManyEvents(command.type, events.length, maxEventsPerCommand);
  const metadata = metadataOf(command);
  const versioned = new Map<number, StoredMetadata>([[1, metadata]]);
  let state = before;
  let bytes = 0;
  const toAppend = events.map((event, index) => {
    const { type } = event;
    assertStorable(decider, event);
    const json = JSON.stringify(event.data);
    bytes += json.length;
    if (bytes > maxAppendBytes) throw new AppendTooLarge(stream, maxAppendBytes);
    state = evolved(decider, state, { type, data: JSON.parse(json) as unknown } as Evt);
    const version = decider.schemas.versionOf(type);
    const own = versioned.get(version) ?? { ...metadata, schemaVersion: version };
    versioned.set(version, own);
    return { id: eventId(stream, command.metadata.id, index, command.digest), event, metadata: own, json };
  });
  return { toAppend, events, state };
}

function metadataOf({ type, metadata: { id, correlationId, actor }, digest }: IdentifiedCommand): StoredMetadata {
  const context = currentContext();
  const who = actor ?? context?.actor;
  const traceparent = currentTraceparent();
  return {
    $correlationId: correlationId ?? context?.correlationId ?? id,
    $causationId: id,
    command: type,
    ...(digest !== undefined && { commandDigest: digest }),
    ...(who !== undefined && { actor: who }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

function assertStorable({ category, eventTypes }: AnyDecider, { type, data }: DomainEvent): void {
  if (!eventTypes.includes(type)) throw new UnregisteredEvent(category, type);
  assertJson(data, `${type}.data`);
}

/** Folds a copy, as it will be read back: the remembered state shares nothing with what the caller holds. */
function evolved<State, Evt extends DomainEvent>(
  { category, evolve }: Pick<Decider<State, DomainCommand, Evt>, 'category' | 'evolve'>,
  state: State,
  event: Evt,
): State {
  try {
    return evolve(state, event);
  } catch (cause) {
    throw new UnfoldableEvent(category, event.type, { cause });
  }
}
