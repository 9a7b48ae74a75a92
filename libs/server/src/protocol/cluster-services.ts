/** ServerFeatures and Gossip: what clients ask first, to learn what the server can do and where its leader is. */
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js';
import featuresPb from '@eventstore/db-client/generated/serverfeatures_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import { randomUUID } from 'node:crypto';
import { unary, type Handlers } from './grpc-router.js';

/** The server whose behaviour is kept to. */
export const EVENTSTOREDB_VERSION = '23.10.6';

const STREAM_AND_ALL = ['stream', 'all'];
const PERSISTENT = 'event_store.client.persistent_subscriptions.persistentsubscriptions';
const METHODS: readonly (readonly [service: string, method: string, features: readonly string[]])[] = [
  ...['append', 'batchappend', 'delete', 'tombstone'].map(
    (method) => ['event_store.client.streams.streams', method, []] as const,
  ),
  ['event_store.client.streams.streams', 'read', ['position', 'events']],
  ...['create', 'update', 'delete', 'read', 'getinfo', 'replayparked', 'list'].map(
    (method) => [PERSISTENT, method, method === 'list' ? ['stream', 'all'] : STREAM_AND_ALL] as const,
  ),
  [PERSISTENT, 'restartsubsystem', []],
  ...[
    'startscavenge',
    'stopscavenge',
    'shutdown',
    'mergeindexes',
    'resignnode',
    'setnodepriority',
    'restartpersistentsubscriptions',
  ].map((method) => ['event_store.client.operations.operations', method, []] as const),
  ['event_store.client.gossip.gossip', 'read', []],
  ['event_store.client.monitoring.monitoring', 'stats', []],
  ['event_store.client.server_features.serverfeatures', 'getsupportedmethods', []],
];

function supportedMethods(): Uint8Array {
  const answer = new featuresPb.SupportedMethods();
  answer.setEventStoreServerVersion(EVENTSTOREDB_VERSION);
  answer.setMethodsList(
    METHODS.map(([service, name, features]) => {
      const method = new featuresPb.SupportedMethod();
      method.setServiceName(service);
      method.setMethodName(name);
      method.setFeaturesList([...features]);
      return method;
    }),
  );
  return answer.serializeBinary();
}

export function clusterServices(host: string, port: number): Handlers {
  const instance = randomUUID();
  const features = supportedMethods();
  return {
    '/event_store.client.server_features.ServerFeatures/GetSupportedMethods': unary(() => features),
    '/event_store.client.gossip.Gossip/Read': unary(() => gossip(instance, host, port)),
  };
}

function gossip(instance: string, host: string, port: number): Uint8Array {
  const id = new sharedPb.UUID();
  id.setString(instance);
  const endPoint = new gossipPb.EndPoint();
  endPoint.setAddress(host);
  endPoint.setPort(port);
  const member = new gossipPb.MemberInfo();
  member.setInstanceId(id);
  member.setTimeStamp(String(BigInt(Date.now()) * 10_000n));
  member.setState(gossipPb.MemberInfo.VNodeState.LEADER);
  member.setIsAlive(true);
  member.setHttpEndPoint(endPoint);
  const info = new gossipPb.ClusterInfo();
  info.setMembersList([member]);
  return info.serializeBinary();
}
