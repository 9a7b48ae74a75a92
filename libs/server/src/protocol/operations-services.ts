/** Operations and Monitoring, and the services that are left out on purpose. */
import monitoringPb from '@eventstore/db-client/generated/monitoring_pb.js';
import operationsPb from '@eventstore/db-client/generated/operations_pb.js';
import { MalformedRequest, NotSupported, ScavengeNotFound } from '../errors.js';
import type { Scavenger } from '../operations/scavenge.js';
import type { StatisticsSource } from '../operations/statistics.js';
import type { Access } from './access.js';
import type { GrpcCall } from './grpc-call.js';
import { serverStreaming, unary, type Handlers } from './grpc-router.js';
import { grpcFrame } from './protobuf.js';

const OPERATIONS = '/event_store.client.operations.Operations';
const EMPTY = Buffer.alloc(0);
const SHORTEST_PERIOD_MS = 100;

export interface OperationsOptions {
  readonly access: Access;
  readonly scavenger: Scavenger;
  readonly statistics: StatisticsSource;
  readonly restartGroups: () => Promise<void>;
  /** Begins the shutdown of the server; the answer is sent before. */
  readonly shutdown: () => void;
}

export function operationsServices({
  access,
  scavenger,
  statistics,
  restartGroups,
  shutdown,
}: OperationsOptions): Handlers {
  const operator = (answer: (request: Buffer) => Promise<Uint8Array> | Uint8Array) =>
    unary((request, call) => {
      access.checkOperator(call);
      return answer(request);
    });
  const ok = operator(() => EMPTY);
  return {
    [`${OPERATIONS}/StartScavenge`]: operator(() => scavengeAnswer(scavenger.start().id, 'STARTED')),
    [`${OPERATIONS}/StopScavenge`]: operator(async (request) => {
      const id = decoded(operationsPb.StopScavengeReq, request).getOptions()?.getScavengeId() ?? '';
      if (!(await scavenger.stop(id))) throw new ScavengeNotFound(id);
      return scavengeAnswer(id, 'STOPPED');
    }),
    [`${OPERATIONS}/Shutdown`]: operator(() => {
      setImmediate(shutdown);
      return EMPTY;
    }),
    // Indexes are always merged; a single node leads for ever, whatever its priority.
    [`${OPERATIONS}/MergeIndexes`]: ok,
    [`${OPERATIONS}/ResignNode`]: ok,
    [`${OPERATIONS}/SetNodePriority`]: ok,
    [`${OPERATIONS}/RestartPersistentSubscriptions`]: operator(async () => {
      await restartGroups();
      return EMPTY;
    }),
    '/event_store.client.monitoring.Monitoring/Stats': serverStreaming((request, call) =>
      sendStatistics(request, call, statistics),
    ),
    ...unsupported(),
  };
}

function scavengeAnswer(id: string, result: 'STARTED' | 'STOPPED'): Uint8Array {
  const answer = new operationsPb.ScavengeResp();
  answer.setScavengeId(id);
  answer.setScavengeResult(operationsPb.ScavengeResp.ScavengeResult[result]);
  return answer.serializeBinary();
}

/** Sends the statistics at once and then every so often, until the client has enough. */
function sendStatistics(request: Buffer, call: GrpcCall, source: StatisticsSource): Promise<void> {
  const period = Math.max(
    SHORTEST_PERIOD_MS,
    Number(decoded(monitoringPb.StatsReq, request).getRefreshTimePeriodInMs()),
  );
  const send = (): void => {
    const answer = new monitoringPb.StatsResp();
    const map = answer.getStatsMap();
    for (const [key, value] of Object.entries(source.collect())) map.set(key, String(value));
    call.write(grpcFrame(answer.serializeBinary()));
  };
  send();
  const timer = setInterval(send, period).unref();
  call.whenOver(() => clearInterval(timer));
  return Promise.resolve();
}

const USERS = ['Create', 'Update', 'Delete', 'Disable', 'Enable', 'Details', 'ChangePassword', 'ResetPassword'];
const PROJECTIONS = [
  'Create',
  'Update',
  'Delete',
  'Statistics',
  'Disable',
  'Enable',
  'Reset',
  'State',
  'Result',
  'RestartSubsystem',
];
const USERS_TEXT =
  'The embedded event store has no user management: it knows the users admin and ops, with the password given by --admin-password. For more users, run EventStoreDB itself.';
const PROJECTIONS_TEXT =
  'The embedded event store runs no user-defined projections: build read models with @annals/projections instead. The streams of the standard projections ($ce-, $et-, $bc-, $category-, $streams) are always there.';

function unsupported(): Handlers {
  const refuse = (text: string) => (call: GrpcCall) => call.fail(new NotSupported(text));
  return Object.fromEntries([
    ...USERS.map((method) => [`/event_store.client.users.Users/${method}`, refuse(USERS_TEXT)] as const),
    ...PROJECTIONS.map(
      (method) => [`/event_store.client.projections.Projections/${method}`, refuse(PROJECTIONS_TEXT)] as const,
    ),
  ]);
}

/** @throws MalformedRequest when the bytes are no such message */
function decoded<Message>(type: { deserializeBinary(bytes: Uint8Array): Message }, bytes: Uint8Array): Message {
  try {
    return type.deserializeBinary(bytes);
  } catch (error) {
    throw new MalformedRequest(error instanceof Error ? error.message : String(error));
  }
}
