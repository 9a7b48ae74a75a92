/** Requests of EventStoreDB's `Streams.Read` for one stream (field numbers as in its streams.proto). */
import { textCapacity, WireWriter } from './wire-writer.js';

export const readPath = '/event_store.client.streams.Streams/Read';

export interface StreamRange {
  readonly direction: 'forwards' | 'backwards';
  /** First revision wanted (inclusive); undefined: the stream's first, backwards its last. */
  readonly from: number | undefined;
  /** How many events at most; undefined: all. */
  readonly maxCount: number | undefined;
}

/** As a gRPC frame. */
export function encodeStreamRead(stream: string, { direction, from, maxCount }: StreamRange): Buffer {
  const out = new WireWriter(96 + textCapacity(stream));
  const start = out.mark;
  const uuidOption = out.mark;
  out.empty(2).message(9, uuidOption);
  out.empty(8);
  out.number(5, maxCount ?? Number.MAX_SAFE_INTEGER);
  if (direction === 'backwards') out.number(3, 1);
  const streamOptions = out.mark;
  if (from !== undefined) out.number(2, from);
  else out.empty(direction === 'backwards' ? 4 : 3);
  const identifier = out.mark;
  return out.text(3, stream).message(1, identifier).message(1, streamOptions).message(1, start).frame();
}
