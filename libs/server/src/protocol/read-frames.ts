/** The frames of a read or subscription. An event that needs no link and a text id is answered with the stored frame itself. */
import { varintLength, writeVarint, ProtoWriter, grpcFrame } from './protobuf.js';
import type { EventRecord } from '../storage/event-record.js';

export interface ReadEvent {
  readonly event: EventRecord | undefined;
  readonly link?: EventRecord | undefined;
}

/** `structured`: ids as two 64-bit numbers, which the clients for .NET, Java, Go and Rust ask for. */
export function eventFrame({ event, link }: ReadEvent, structured: boolean): Buffer {
  if (event && !link && !structured) return event.frame;
  return grpcFrame(new ProtoWriter().bytes(1, readEvent({ event, link }, structured)).finish());
}

export function readEvent({ event, link }: ReadEvent, structured: boolean, retryCount?: number): Buffer {
  const writer = new ProtoWriter();
  // EventStoreDB tells persistent subscriptions the link's position for both.
  const told = event && link && retryCount !== undefined ? event.movedTo(link.position) : event;
  if (told) writer.bytes(1, recorded(told, structured));
  if (link) writer.bytes(2, recorded(link, structured));
  writer.varint(3, (link ?? event)?.position ?? 0);
  if (retryCount !== undefined) writer.varint(5, retryCount);
  return writer.finish();
}

/** The id is always the first 40 bytes of a RecordedEvent. */
export function recorded(record: EventRecord, structured: boolean): Buffer {
  const message = record.recorded;
  return structured ? Buffer.concat([structuredId(record.id), message.subarray(40)]) : message;
}

function structuredId(id: string): Buffer {
  const hex = id.replaceAll('-', '');
  const halves = new ProtoWriter()
    .varint(1, BigInt(`0x${hex.slice(0, 16)}`))
    .varint(2, BigInt(`0x${hex.slice(16)}`))
    .finish();
  return new ProtoWriter().bytes(1, new ProtoWriter().bytes(1, halves).finish()).finish();
}

const nested = (field: number, content: Buffer): Buffer => grpcFrame(new ProtoWriter().bytes(field, content).finish());
const EMPTY = Buffer.alloc(0);

export const confirmationFrame = (id: string): Buffer => nested(2, new ProtoWriter().bytes(1, id).finish());
export const checkpointFrame = (position: number): Buffer =>
  nested(3, new ProtoWriter().varint(1, position).varint(2, position).finish());
export const streamNotFoundFrame = (stream: string): Buffer =>
  nested(4, new ProtoWriter().bytes(1, new ProtoWriter().bytes(3, stream).finish()).finish());
export const caughtUpFrame = (): Buffer => nested(8, EMPTY);
export const fellBehindFrame = (): Buffer => nested(9, EMPTY);

const positionFrame = (field: number, revision: number): Buffer => {
  const frame = Buffer.allocUnsafe(5 + 1 + varintLength(revision));
  frame[0] = 0;
  frame.writeUInt32BE(frame.length - 5, 1);
  frame[5] = field * 8;
  writeVarint(frame, 6, revision);
  return frame;
};
export const firstStreamPositionFrame = (revision: number): Buffer => positionFrame(5, revision);
export const lastStreamPositionFrame = (revision: number): Buffer => positionFrame(6, revision);
