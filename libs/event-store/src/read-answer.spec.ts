import { describe, expect, it } from '@jest/globals';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import fc from 'fast-check';
import { decodeReadAnswer } from './read-answer.js';
import { MalformedAnswer } from './wire/wire-reader.js';

const { ReadResp } = streamsPb;
const { ReadEvent } = ReadResp;

interface Given {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  readonly properties: Readonly<Record<string, string>>;
  readonly metadata: Buffer;
  readonly data: Buffer;
}

/** What the client's generated classes, which are not under test, make of it. */
function eventAnswer({ id, stream, revision, position, properties, metadata, data }: Given): Buffer {
  const uuid = new sharedPb.UUID();
  uuid.setString(id);
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(new Uint8Array(Buffer.from(stream)));
  const recorded = new ReadEvent.RecordedEvent();
  recorded.setId(uuid);
  recorded.setStreamIdentifier(identifier);
  recorded.setStreamRevision(String(revision));
  recorded.setPreparePosition(String(position));
  recorded.setCommitPosition(String(position));
  for (const [key, value] of Object.entries(properties)) recorded.getMetadataMap().set(key, value);
  recorded.setCustomMetadata(new Uint8Array(metadata));
  recorded.setData(new Uint8Array(data));
  const event = new ReadEvent();
  event.setEvent(recorded);
  const answer = new ReadResp();
  answer.setEvent(event);
  return Buffer.from(answer.serializeBinary());
}

const plain: Given = {
  id: '0c7f0b0e-52f0-4b2e-8a0a-000000000001',
  stream: 'order-ü1',
  revision: 3n,
  position: 4_711n,
  properties: { type: 'OrderPlaced', created: '17037216000005678', 'content-type': 'application/json' },
  metadata: Buffer.from('{"$correlationId":"c","schemaVersion":2}'),
  data: Buffer.from('{"orderId":"ü1"}'),
};

describe('an answer of a read', () => {
  it('is the event with where and when it was recorded, and in which conversation', () => {
    const bytes = eventAnswer(plain);
    expect(decodeReadAnswer(bytes)).toEqual({
      kind: 'event',
      bytes: bytes.length,
      recorded: {
        event: { type: 'OrderPlaced', data: { orderId: 'ü1' } },
        at: {
          id: plain.id,
          stream: 'order-ü1',
          revision: 3,
          position: 4_711n,
          created: new Date(1_703_721_600_000),
          correlationId: 'c',
          causationId: plain.id,
          schemaVersion: 2,
        },
      },
    });
  });

  it('keeps all 64 bits of positions, and all content', () => {
    const anyJson = fc.jsonValue({ maxDepth: 2 });
    const words = fc.string({ unit: 'binary', maxLength: 10 });
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.nat(), words, words, anyJson, (position, revision, ...rest) => {
        const [stream, type, data] = rest;
        const answer = decodeReadAnswer(
          eventAnswer({
            ...plain,
            position,
            revision: BigInt(revision),
            stream,
            properties: { ...plain.properties, type },
            data: Buffer.from(JSON.stringify(data)),
          }),
        );
        expect(answer).toMatchObject({ kind: 'event', recorded: { at: { position, revision } } });
        if (answer.kind !== 'event') return;
        expect(answer.recorded.at.stream).toBe(Buffer.from(stream).toString());
        expect(answer.recorded.event.type).toBe(Buffer.from(type).toString());
        expect(answer.recorded.event.data).toEqual(JSON.parse(JSON.stringify(data)));
      }),
      { numRuns: 50 },
    );
  });

  it('gives what is no JSON as the client does: bytes as bytes, broken JSON as text, strange metadata as none', () => {
    const binary = { type: 'Blob', created: 'never', 'content-type': 'application/octet-stream' };
    const blob = decodeReadAnswer(eventAnswer({ ...plain, properties: binary, data: Buffer.from([0, 255]) }));
    expect(blob).toMatchObject({
      recorded: { event: { data: new Uint8Array([0, 255]) }, at: { created: new Date(0) } },
    });
    const broken = decodeReadAnswer(eventAnswer({ ...plain, data: Buffer.from('{"a'), metadata: Buffer.from('"x') }));
    expect(broken).toMatchObject({ recorded: { event: { data: '{"a' }, at: { correlationId: plain.id } } });
  });

  it('is the very first event', () => {
    expect(decodeReadAnswer(eventAnswer({ ...plain, revision: 0n, position: 0n }))).toMatchObject({
      recorded: { at: { position: 0n, revision: 0 } },
    });
  });

  it('may be another word of the server', () => {
    const checkpoint = new ReadResp.Checkpoint();
    checkpoint.setCommitPosition('18014398509481985');
    const answerWith = (set: (answer: streamsPb.ReadResp) => void) => {
      const answer = new ReadResp();
      set(answer);
      return decodeReadAnswer(Buffer.from(answer.serializeBinary()));
    };
    expect(answerWith((answer) => answer.setCheckpoint(checkpoint))).toEqual({
      kind: 'checkpoint',
      position: 18_014_398_509_481_985n,
    });
    expect(answerWith((answer) => answer.setCaughtUp(new ReadResp.CaughtUp()))).toEqual({ kind: 'caught-up' });
    expect(answerWith((answer) => answer.setFellBehind(new ReadResp.FellBehind()))).toEqual({ kind: 'fell-behind' });
    expect(answerWith((answer) => answer.setStreamNotFound(new ReadResp.StreamNotFound()))).toEqual({
      kind: 'stream-not-found',
    });
    expect(answerWith((answer) => answer.setFirstStreamPosition('7'))).toEqual({ kind: 'other' });
  });

  it('is refused when it is cut off', () => {
    const whole = eventAnswer(plain);
    // Cut within the event's data, its last field, and within the number that says how long the event is.
    for (const length of [whole.length - 10, 2])
      expect(() => decodeReadAnswer(whole.subarray(0, length))).toThrow(MalformedAnswer);
  });
});
