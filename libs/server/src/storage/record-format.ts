/**
 * The form of a record of the log. An event's record holds the very gRPC frame that a read answers with, so reading is copying:
 *
 *   header (48 bytes, below) | frame: 0, u32 length, ReadResp{ event: ReadEvent{ event: RecordedEvent, commit_position } } | u32 length
 *
 * The RecordedEvent always begins with the id as a string of 36 characters, then the stream's name, type, content type and
 * time, so that they are found without parsing. The trailing length allows walking backwards. A marker is a record without
 * a frame: it takes a position and nothing more (an append without events does that in EventStoreDB).
 */
export const HEADER = 48;
export const TRAILER = 4;
export const KIND_EVENT = 1;
export const KIND_MARKER = 2;
/** The last event of a stream for ever; its revision is 2^63-1. */
export const KIND_TOMBSTONE = 3;
export const FLAG_MORE = 1;
export const FLAG_JSON = 2;
export const FLAG_BEGINS_GROUP = 4;
export const MARKER_LENGTH = HEADER + TRAILER;

/** What stands before an event's type in its RecordedEvent: the key of a map's entry. */
export const TYPE_KEY = Buffer.from('\x0a\x04type\x12', 'latin1');
export const NO_BYTES = Buffer.alloc(0);

/** An event as it was proposed. Names are UTF-8 bytes, `id` is the lower-case text form. */
export interface ProposedEvent {
  readonly id: string;
  readonly type: Buffer;
  readonly json: boolean;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export interface Placement {
  readonly stream: Buffer;
  /** A number, or `tombstone`. */
  readonly revision: number | 'tombstone';
  readonly position: number;
  readonly createdMs: number;
}
