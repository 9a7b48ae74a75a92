/** The gRPC services without the client's help: what clients of other languages send and see. */
import { credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import monitoringGrpc from '@eventstore/db-client/generated/monitoring_grpc_pb.js';
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { randomUUID } from 'node:crypto';

export interface RawAnswer<T> {
  readonly answer?: T;
  readonly code: number;
  readonly text: string;
  readonly trailers: Record<string, string>;
}

export class RawClient {
  readonly streams: streamsGrpc.StreamsClient;
  readonly operations: operationsGrpc.OperationsClient;
  readonly monitoring: monitoringGrpc.MonitoringClient;
  readonly persistent: persistentGrpc.PersistentSubscriptionsClient;

  constructor(port: number) {
    const address = `127.0.0.1:${port}`;
    const insecure = credentials.createInsecure();
    this.streams = new streamsGrpc.StreamsClient(address, insecure);
    this.operations = new operationsGrpc.OperationsClient(address, insecure);
    this.monitoring = new monitoringGrpc.MonitoringClient(address, insecure);
    this.persistent = new persistentGrpc.PersistentSubscriptionsClient(address, insecure);
  }

  close(): void {
    for (const client of [this.streams, this.operations, this.monitoring, this.persistent]) client.close();
  }
}

/** Resolves with the answer of a unary call or how it failed; never rejects. */
export function asked<T>(
  call: (callback: (error: ServiceError | null, answer?: T) => void) => unknown,
): Promise<RawAnswer<T>> {
  return new Promise((resolve) => {
    call((error, answer) => {
      if (error) resolve({ code: error.code, text: error.details, trailers: strings(error.metadata) });
      else resolve({ code: 0, text: '', trailers: {}, ...(answer === undefined ? {} : { answer }) });
    });
  });
}

const strings = (metadata: Metadata): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata.getMap()).map(([key, value]) => [key, String(value)]));

export const uuid = (text: string = randomUUID()): sharedPb.UUID => new sharedPb.UUID().setString(text);

export const streamIdentifier = (name: string): sharedPb.StreamIdentifier =>
  new sharedPb.StreamIdentifier().setStreamName(Buffer.from(name));

export function batchEvent(type: string, data = '{}'): streamsPb.BatchAppendReq.ProposedMessage {
  const message = new streamsPb.BatchAppendReq.ProposedMessage().setId(uuid()).setData(Buffer.from(data));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  return message;
}

export function appendEvent(type: string, data = '{}'): streamsPb.AppendReq {
  const message = new streamsPb.AppendReq.ProposedMessage().setId(uuid()).setData(Buffer.from(data));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  return new streamsPb.AppendReq().setProposedMessage(message);
}
