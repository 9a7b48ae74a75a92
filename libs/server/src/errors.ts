/** All errors of the embedded event store, with stable codes. */
import { CodedError, type ErrorKind } from '@annals/core';

/** A request that is not a message of the protocol, or lacks something that it must have. */
export class MalformedRequest extends CodedError {
  readonly code = 'SERVER_MALFORMED_REQUEST';
  override readonly kind: ErrorKind = 'invalid';
  constructor(readonly reason: string) {
    super(`The request cannot be understood: ${reason}. Check the client's version, and the arguments of the call.`);
  }
}

/** A well-formed request with an argument that makes no sense. */
export class InvalidArgument extends CodedError {
  readonly code = 'SERVER_INVALID_ARGUMENT';
  override readonly kind: ErrorKind = 'invalid';
}

/** The expected revision does not hold. */
export class WrongExpectedRevision extends CodedError {
  readonly code = 'SERVER_WRONG_EXPECTED_REVISION';
  override readonly kind: ErrorKind = 'precondition';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    /** The last revision, -1 for a stream that does not exist. */
    readonly actual: number,
  ) {
    super(
      `Stream '${stream}' is at revision ${actual}, expected was ${describeExpected(expected)}. Read it again, decide again and append with its current revision.`,
    );
  }
}

/** The stream was tombstoned: it can never be read or written again. */
export class StreamDeleted extends CodedError {
  readonly code = 'SERVER_STREAM_DELETED';
  override readonly kind: ErrorKind = 'not-found';
  constructor(readonly stream: string) {
    super(`Stream '${stream}' is deleted. If it was tombstoned, its name can never be used again: choose another.`);
  }
}

export class MaximumAppendSizeExceeded extends CodedError {
  readonly code = 'SERVER_MAXIMUM_APPEND_SIZE_EXCEEDED';
  override readonly kind: ErrorKind = 'invalid';
  constructor(readonly maximum: number) {
    super(`The append holds more than ${maximum} bytes of data. Split it, or raise --max-append-size.`);
  }
}

/** The deadline of a batch append passed before it was written. */
export class AppendTimedOut extends CodedError {
  readonly code = 'SERVER_APPEND_TIMED_OUT';
  override readonly kind: ErrorKind = 'unavailable';
  constructor() {
    super(
      'The append was not finished before its deadline. Whether it will be is not known: repeat it with the same event ids.',
    );
  }
}

/** The disk did not take a write: full, read-only or broken. Nothing of the append remains; reads go on. */
export class StorageWriteFailed extends CodedError {
  readonly code = 'SERVER_STORAGE_WRITE_FAILED';
  override readonly kind: ErrorKind = 'unavailable';
  constructor(
    readonly path: string,
    cause: Error,
  ) {
    super(
      `Nothing was appended: writing to ${path} failed (${cause.message}). Free space or make the disk writable, then append again; no restart is needed.`,
      { cause },
    );
  }
}

export class AccessDenied extends CodedError {
  readonly code = 'SERVER_ACCESS_DENIED';
  override readonly kind: ErrorKind = 'forbidden';
  constructor(what = 'this') {
    super(`Access to ${what} is denied. Use credentials of a user that the stream's $acl names, or of admin.`);
  }
}

export class NotAuthenticated extends CodedError {
  readonly code = 'SERVER_NOT_AUTHENTICATED';
  override readonly kind: ErrorKind = 'unauthenticated';
  constructor() {
    super('The user name or the password is wrong. Use the credentials that the server was started with.');
  }
}

export class NotSupported extends CodedError {
  readonly code = 'SERVER_NOT_SUPPORTED';
  override readonly kind: ErrorKind = 'rejected';
}

/** No scavenge with this id runs. */
export class ScavengeNotFound extends CodedError {
  readonly code = 'SERVER_SCAVENGE_NOT_FOUND';
  override readonly kind: ErrorKind = 'not-found';
  constructor(readonly scavengeId: string) {
    super(`No scavenge '${scavengeId}' is running. It may have finished already.`);
  }
}

/** The server is shutting down. */
export class ServerStopping extends CodedError {
  readonly code = 'SERVER_STOPPING';
  override readonly kind: ErrorKind = 'unavailable';
  constructor() {
    super('The server is shutting down. Connect again when it is back.');
  }
}

/** The data folder cannot be used; `reason` says which way. */
export class DataFolderRefused extends CodedError {
  readonly code = 'SERVER_DATA_FOLDER_REFUSED';
  override readonly kind: ErrorKind = 'precondition';
  constructor(
    readonly path: string,
    readonly reason: 'corrupted' | 'foreign' | 'newer-version' | 'in-use' | 'not-accessible',
    explanation: string,
    options?: ErrorOptions,
  ) {
    super(explanation, options);
  }
}

export class AddressRefused extends CodedError {
  readonly code = 'SERVER_ADDRESS_REFUSED';
  override readonly kind: ErrorKind = 'precondition';
  constructor(
    readonly host: string,
    readonly port: number,
    explanation: string,
    options?: ErrorOptions,
  ) {
    super(explanation, options);
  }
}

export class PersistentSubscriptionExists extends CodedError {
  readonly code = 'SERVER_PERSISTENT_SUBSCRIPTION_EXISTS';
  override readonly kind: ErrorKind = 'conflict';
  constructor(
    readonly stream: string,
    readonly group: string,
  ) {
    super(`Subscription group ${group} on stream ${stream} exists. Update it, or choose another name.`);
  }
}

export class PersistentSubscriptionDoesNotExist extends CodedError {
  readonly code = 'SERVER_PERSISTENT_SUBSCRIPTION_DOES_NOT_EXIST';
  override readonly kind: ErrorKind = 'not-found';
  constructor(
    readonly stream: string,
    readonly group: string,
  ) {
    super(`Subscription group ${group} on stream ${stream} does not exist.`);
  }
}

/** The settings of a group contradict each other. */
export class InvalidGroupSettings extends CodedError {
  readonly code = 'SERVER_INVALID_GROUP_SETTINGS';
  override readonly kind: ErrorKind = 'invalid';
  constructor(
    readonly stream: string,
    readonly group: string,
    readonly reason: string,
  ) {
    super(`Subscription group ${group} on stream ${stream} cannot be made: ${reason}. Change its settings.`);
  }
}

export class MaximumSubscribersReached extends CodedError {
  readonly code = 'SERVER_MAXIMUM_SUBSCRIBERS_REACHED';
  override readonly kind: ErrorKind = 'conflict';
  constructor(
    readonly stream: string,
    readonly group: string,
  ) {
    super(
      `Subscription group ${group} on stream ${stream} has as many consumers as it allows. Raise maxSubscriberCount, or stop one.`,
    );
  }
}

/** The group was updated or deleted: its consumers must connect again. */
export class PersistentSubscriptionDropped extends CodedError {
  readonly code = 'SERVER_PERSISTENT_SUBSCRIPTION_DROPPED';
  override readonly kind: ErrorKind = 'unavailable';
  constructor(
    readonly stream: string,
    readonly group: string,
  ) {
    super(`Subscription group ${group} on stream ${stream} was updated or deleted. Connect again if it still exists.`);
  }
}

/** What an append expects of its stream. `revision` counts only for `exact`; `wide` holds one beyond 2^53 unrounded. */
export type ExpectedRevision =
  | { readonly kind: 'any' | 'no_stream' | 'stream_exists' }
  | { readonly kind: 'exact'; readonly revision: number; readonly wide?: bigint };

const describeExpected = (expected: ExpectedRevision): string =>
  expected.kind === 'exact' ? `${expected.wide ?? expected.revision}` : expected.kind;
