/** How the server's errors are told to clients: gRPC status, text, and the trailers that EventStoreDB's clients read. */
import {
  AccessDenied,
  AppendTimedOut,
  InvalidArgument,
  InvalidGroupSettings,
  MalformedRequest,
  MaximumAppendSizeExceeded,
  MaximumSubscribersReached,
  NotAuthenticated,
  NotSupported,
  ScavengeNotFound,
  PersistentSubscriptionDoesNotExist,
  PersistentSubscriptionDropped,
  PersistentSubscriptionExists,
  ServerStopping,
  StorageWriteFailed,
  StreamDeleted,
  WrongExpectedRevision,
  type ExpectedRevision,
} from '../errors.js';

export const GRPC = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** How an expected revision is written in a trailer. */
const expectedVersion = (expected: ExpectedRevision): string => {
  switch (expected.kind) {
    case 'exact':
      return String(expected.wide ?? expected.revision);
    case 'no_stream':
      return '-1';
    case 'any':
      return '-2';
    case 'stream_exists':
      return '-4';
  }
};

/** Metadata values must be printable ASCII; names that are not are percent-encoded. */
const isPrintable = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);
const name = (text: string): string => (isPrintable(text) ? text : encodeURIComponent(text));

export function statusOf(error: unknown): GrpcStatus {
  const status = (code: number, trailers: Record<string, string> = {}): GrpcStatus => ({
    code,
    message: error instanceof Error ? error.message : String(error),
    trailers,
  });
  const group = (exception: string, of: { stream: string; group: string }): Record<string, string> => ({
    exception,
    'stream-name': name(of.stream),
    'group-name': name(of.group),
  });
  if (error instanceof WrongExpectedRevision) {
    // EventStoreDB cannot put such a name into a trailer and answers UNKNOWN; the text says the rest.
    if (!isPrintable(error.stream)) return status(GRPC.unknown);
    const trailers = {
      exception: 'wrong-expected-version',
      'stream-name': name(error.stream),
      'expected-version': expectedVersion(error.expected),
    };
    return status(GRPC.failedPrecondition, { ...trailers, 'actual-version': String(error.actual) });
  }
  if (error instanceof StreamDeleted)
    return status(GRPC.failedPrecondition, { exception: 'stream-deleted', 'stream-name': name(error.stream) });
  if (error instanceof MaximumAppendSizeExceeded)
    return status(GRPC.invalidArgument, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(error.maximum),
    });
  if (error instanceof MalformedRequest) return status(GRPC.invalidArgument);
  // EventStoreDB answers UNKNOWN here; its clients know no class for it either way, so the text is what helps.
  if (error instanceof InvalidArgument) return status(GRPC.unknown);
  if (error instanceof AccessDenied) return status(GRPC.permissionDenied, { exception: 'access-denied' });
  if (error instanceof NotAuthenticated) return status(GRPC.unauthenticated);
  if (error instanceof InvalidGroupSettings)
    return status(GRPC.internal, { ...group('persistent-subscription-failed', error), reason: name(error.reason) });
  if (error instanceof PersistentSubscriptionExists)
    return status(GRPC.alreadyExists, group('persistent-subscription-exists', error));
  if (error instanceof PersistentSubscriptionDoesNotExist)
    return status(GRPC.notFound, group('persistent-subscription-does-not-exist', error));
  if (error instanceof MaximumSubscribersReached)
    return status(GRPC.failedPrecondition, group('maximum-subscribers-reached', error));
  if (error instanceof PersistentSubscriptionDropped)
    return status(GRPC.cancelled, group('persistent-subscription-dropped', error));
  if (error instanceof ScavengeNotFound)
    return status(GRPC.notFound, { exception: 'scavenge-not-found', 'scavenge-id': name(error.scavengeId) });
  if (error instanceof NotSupported) return status(GRPC.unimplemented);
  if (error instanceof AppendTimedOut) return status(GRPC.deadlineExceeded);
  if (error instanceof StorageWriteFailed || error instanceof ServerStopping) return status(GRPC.unavailable);
  return status(GRPC.unknown);
}
