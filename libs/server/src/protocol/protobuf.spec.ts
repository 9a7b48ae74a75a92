import { describe, expect, it } from '@jest/globals';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import fc from 'fast-check';
import { MalformedRequest } from '../errors.js';
import { ProtoReader, ProtoWriter, varintLength, writeVarint } from './protobuf.js';

describe('varints', () => {
  it('are read as they were written, in the length foretold', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const buffer = Buffer.alloc(10);
        expect(writeVarint(buffer, 0, value)).toBe(varintLength(value));
        expect(ProtoReader.varints(buffer.subarray(0, varintLength(value)))).toEqual([value]);
      }),
    );
  });

  it('of 64 bits keep all of them where that is asked for', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const reader = new ProtoReader(new ProtoWriter().varint(1, value).finish());
        reader.next();
        expect(reader.bigVarint()).toBe(value);
      }),
    );
  });
});

describe('messages', () => {
  it('are understood by the generated classes', () => {
    const response = new ProtoWriter()
      .bytes(3, new ProtoWriter().varint(1, 5_000_000_000).varint(2, 7).finish())
      .finish();
    const checkpoint = streamsPb.ReadResp.deserializeBinary(response).getCheckpoint();
    expect([checkpoint?.getCommitPosition(), checkpoint?.getPreparePosition()]).toEqual(['5000000000', '7']);
  });

  it('that are cut off or nonsense are refused, never misread beyond their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new ProtoReader(Buffer.from(bytes));
        try {
          while (reader.next()) reader.skip();
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedRequest);
        }
      }),
    );
  });
});
