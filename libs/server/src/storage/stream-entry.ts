/** What is known of one stream; see stream-index.ts for how entries come and go. */
import type { StreamMetadata } from '../streams/stream-metadata.js';

/** Positions are moved to the store in blocks of this many. */
export const BLOCK = 64;

export class StreamEntry {
  /** Last durable revision, -1 when there are no events. */
  head = -1;
  /** Last revision handed out, ahead of `head` while appends are in flight. */
  pendingHead = -1;
  /** Revision of `tail[0]`. */
  tailStart = 0;
  tail: number[] = [];
  /** Position of the tombstone, -1 when there is none. */
  tombstoneAt = -1;
  pendingTombstone = false;
  /** Position of the latest metadata event (it lives in `$$name`), -1 when there is none. */
  metadataAt = -1;
  /** Metadata writes in flight: what they decide is not known yet. */
  pendingMetadata = 0;
  /** Parsed on demand from the event at `metadataAt`. */
  metadata: StreamMetadata | undefined;
  /** Names this stream's blocks in the store; given when the first block is written. */
  number = -1;
  /** Appends in flight: while above 0 the entry must not be forgotten. */
  pins = 0;
  dirty = false;
  /** Recently used: second chance before it is forgotten. */
  used = true;

  constructor(readonly name: string) {}

  get bytes(): Buffer {
    return Buffer.from(this.name, 'utf8');
  }

  get lastPosition(): number {
    return this.tail.at(-1) ?? -1;
  }
}
