/** The PersistentSubscriptions service. */
import { randomUUID } from 'node:crypto';
import { InvalidArgument, MalformedRequest, PersistentSubscriptionDoesNotExist } from '../errors.js';
import type { Consumer, NackAction, PersistentGroup } from '../persistent-subscriptions/group.js';
import type { PersistentGroups } from '../persistent-subscriptions/groups.js';
import type { Message } from '../persistent-subscriptions/message.js';
import type { Access } from './access.js';
import type { GrpcCall } from './grpc-call.js';
import { unary, type Handlers } from './grpc-router.js';
import { infoMessage } from './persistent-info.js';
import { parseCreate, parseGroupOptions, parseListTarget, parseReplay, parseUpdate } from './persistent-requests.js';
import { grpcFrame, ProtoReader, ProtoWriter } from './protobuf.js';
import { readEvent } from './read-frames.js';
import { parseUuid } from './proposed-event.js';
import { parseStreamName, parseStructured } from './stream-requests.js';

const SERVICE = '/event_store.client.persistent_subscriptions.PersistentSubscriptions';
const EMPTY = Buffer.alloc(0);

export function persistentService(groups: PersistentGroups, access: Access): Handlers {
  /** Managing a group takes an operator. */
  const managed = (answer: (request: Buffer) => Promise<Buffer> | Buffer) =>
    unary((request, call) => {
      access.checkOperator(call);
      return answer(request);
    });
  return {
    [`${SERVICE}/Create`]: managed(async (request) => {
      const { stream, group, settings } = parseCreate(request);
      await groups.create(stream, group, settings);
      return EMPTY;
    }),
    [`${SERVICE}/Update`]: managed(async (request) => {
      const { stream, group, settings } = parseUpdate(request);
      await groups.update(stream, group, settings);
      return EMPTY;
    }),
    [`${SERVICE}/Delete`]: managed(async (request) => {
      const { stream, group } = parseGroupOptions(request, { stream: 1, group: 2, all: 3 });
      await groups.delete(stream, group);
      return EMPTY;
    }),
    [`${SERVICE}/GetInfo`]: managed((request) => {
      const { stream, group } = parseGroupOptions(request, { stream: 1, all: 2, group: 3 });
      return new ProtoWriter().bytes(1, infoMessage(groups.get(stream, group))).finish();
    }),
    [`${SERVICE}/ReplayParked`]: managed((request) => {
      const { stream, group, stopAt } = parseReplay(request);
      groups.get(stream, group).replayParked(stopAt);
      return EMPTY;
    }),
    [`${SERVICE}/List`]: managed((request) => listMessage(groups, parseListTarget(request))),
    [`${SERVICE}/RestartSubsystem`]: managed(async () => {
      await groups.restart();
      return EMPTY;
    }),
    [`${SERVICE}/Read`]: (call) => consume(call, groups, access),
  };
}

function listMessage(groups: PersistentGroups, stream: string | undefined): Buffer {
  const found = groups.list().filter(({ config }) => stream === undefined || config.stream === stream);
  if (found.length === 0 && stream !== undefined && stream !== '$all')
    throw new PersistentSubscriptionDoesNotExist(stream, '');
  const out = new ProtoWriter();
  for (const group of found) out.bytes(1, infoMessage(group));
  return out.finish();
}

const DEFAULT_BUFFER = 10;
const ACTIONS: readonly NackAction[] = ['retry', 'park', 'retry', 'skip', 'stop'];

/** First the options, then acknowledgements, for as long as the consumer stays. */
function consume(call: GrpcCall, groups: PersistentGroups, access: Access): void {
  let connection: GroupConnection | undefined;
  call.receive(
    (message) => {
      const reader = new ProtoReader(message);
      while (reader.next()) {
        if (reader.field === 1) connection = GroupConnection.open(call, groups, access, reader.message());
        else if (!connection) throw new MalformedRequest('an acknowledgement before the options');
        else if (reader.field === 2) connection.ack(reader.message());
        else if (reader.field === 3) connection.nack(reader.message());
        else reader.skip();
      }
    },
    () => call.end(),
  );
}

let connections = 0;

class GroupConnection implements Consumer {
  readonly id = ++connections;
  readonly info;
  inFlight = 0;
  total = 0;

  private constructor(
    private readonly call: GrpcCall,
    private readonly group: PersistentGroup,
    readonly bufferSize: number,
    private readonly structuredIds: boolean,
    username: string,
  ) {
    const { 'connection-name': name } = call.headers;
    this.info = { from: call.peer, username, connectionName: typeof name === 'string' ? name : '' };
  }

  static open(call: GrpcCall, groups: PersistentGroups, access: Access, reader: ProtoReader): GroupConnection {
    const { stream, name, buffer, structured } = parseReadOptions(reader);
    access.check(call, stream, 'read');
    const group = groups.get(stream, name);
    const connection = new GroupConnection(call, group, buffer, structured, access.userOf(call));
    const confirm = new ProtoWriter().bytes(1, `${stream}::${name}/${randomUUID()}`).finish();
    // The confirmation must come before the first event, and not at all when there are too many consumers.
    connection.first = grpcFrame(new ProtoWriter().bytes(2, confirm).finish());
    group.connect(connection);
    connection.confirm();
    call.whenOver(() => group.disconnect(connection));
    return connection;
  }

  private first: Buffer | undefined;

  private confirm(): void {
    if (!this.first) return;
    const { first } = this;
    this.first = undefined;
    this.call.write(first);
  }

  get freeSlots(): number {
    return this.bufferSize - this.inFlight;
  }

  deliver({ resolved, retries }: Message): void {
    this.confirm();
    const event = readEvent(resolved, this.structuredIds, retries);
    this.call.write(grpcFrame(new ProtoWriter().bytes(1, event).finish()));
  }

  drop(error: Error): void {
    this.confirm();
    this.call.fail(error);
  }

  ack(reader: ProtoReader): void {
    const ids: string[] = [];
    while (reader.next()) {
      if (reader.field === 2) ids.push(parseUuid(reader.message()));
      else reader.skip();
    }
    this.group.ack(this, ids);
  }

  nack(reader: ProtoReader): void {
    const ids: string[] = [];
    let action: NackAction = 'retry';
    let reason = '';
    while (reader.next()) {
      if (reader.field === 2) ids.push(parseUuid(reader.message()));
      else if (reader.field === 3) action = ACTIONS[reader.varint()] ?? 'retry';
      else if (reader.field === 4) reason = reader.string();
      else reader.skip();
    }
    this.group.nack(this, ids, action, reason);
  }
}

function parseReadOptions(reader: ProtoReader): { stream: string; name: string; buffer: number; structured: boolean } {
  let stream: string | undefined;
  let name = '';
  let buffer = DEFAULT_BUFFER;
  let structured = false;
  while (reader.next()) {
    if (reader.field === 1) stream = parseStreamName(reader.message());
    else if (reader.field === 2) name = reader.string();
    else if (reader.field === 3) buffer = reader.varint();
    else if (reader.field === 4) structured = parseStructured(reader.message());
    else {
      if (reader.field === 5) stream = '$all';
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('Neither a stream nor $all is named.');
  return { stream, name, buffer: Math.max(1, Math.min(buffer, 100_000)), structured };
}
