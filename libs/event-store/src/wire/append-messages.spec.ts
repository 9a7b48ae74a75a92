/** Against the client's generated classes, which know the protocol. */
import { describe, expect, it } from '@jest/globals';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { decodeAppendAnswer, encodeAppend, type ProposedEvent } from './append-messages.js';
import { encodeStreamRead } from './read-request.js';

const correlationId = '0b9c3f2e-6f61-4a0e-9d8e-000000000001';
const event = (n: number, json = JSON.stringify({ n, text: 'größer, 大きい, 😀' })): ProposedEvent => ({
  id: `0b9c3f2e-6f61-4a0e-9d8e-${String(n).padStart(12, '0')}`,
  type: 'Numbered',
  json,
  metadata: JSON.stringify({ $causationId: 'c' }),
});

/** The message in a gRPC frame, whose head must fit it. */
function inFrame(frame: Buffer): Uint8Array {
  expect([frame[0], frame.readUInt32BE(1)]).toEqual([0, frame.length - 5]);
  return frame.subarray(5);
}
const requestsOf = (frames: readonly Buffer[]) =>
  frames.map((frame) => streamsPb.BatchAppendReq.deserializeBinary(inFrame(frame)));

describe('an append as it is sent', () => {
  it('says stream, ids, types, data and metadata', () => {
    const [request, ...more] = requestsOf(encodeAppend(correlationId, 'größe-1', 41, [event(1), event(2)]));
    expect(more).toEqual([]);
    expect(request?.getCorrelationId()?.getString()).toBe(correlationId);
    expect(request?.getIsFinal()).toBe(true);
    const identifier = request?.getOptions()?.getStreamIdentifier()?.getStreamName_asU8() ?? [];
    expect(Buffer.from(identifier).toString()).toBe('größe-1');
    expect(request?.getOptions()?.getStreamPosition()).toBe('41');
    const messages = request?.getProposedMessagesList() ?? [];
    expect(messages.map((message) => message.getId()?.getString())).toEqual([event(1).id, event(2).id]);
    const [first] = messages;
    expect(new Map(first?.getMetadataMap().entries())).toEqual(
      new Map([
        ['type', 'Numbered'],
        ['content-type', 'application/json'],
      ]),
    );
    expect(Buffer.from(first?.getData_asU8() ?? []).toString()).toBe(event(1).json);
    expect(Buffer.from(first?.getCustomMetadata_asU8() ?? []).toString()).toBe(event(1).metadata);
  });

  it.each([
    ['any' as const, 'hasAny' as const],
    ['no-stream' as const, 'hasNoStream' as const],
    [0, 'hasStreamPosition' as const],
  ])('expects %s', (expected, has) => {
    const [request] = requestsOf(encodeAppend(correlationId, 's-1', expected, [event(1)]));
    expect(request?.getOptions()?.[has]()).toBe(true);
  });

  it('goes out in several messages when it is large, of which the last says so', () => {
    const large = Array.from({ length: 7 }, (_, n) => event(n, JSON.stringify('x'.repeat(1_000_000))));
    const requests = requestsOf(encodeAppend(correlationId, 's-1', 'any', large));
    expect(requests.map((request) => request.getProposedMessagesList().length)).toEqual([3, 3, 1]);
    expect(requests.map((request) => request.getIsFinal())).toEqual([false, false, true]);
    expect(requests.map((request) => request.hasOptions())).toEqual([true, false, false]);
    expect(new Set(requests.map((request) => request.getCorrelationId()?.getString()))).toEqual(
      new Set([correlationId]),
    );
  });

  it('may be without events', () => {
    const [request] = requestsOf(encodeAppend(correlationId, 's-1', 'any', []));
    expect([request?.getIsFinal(), request?.getProposedMessagesList()]).toEqual([true, []]);
  });
});

describe('an answer', () => {
  const answer = () => {
    const response = new streamsPb.BatchAppendResp();
    const id = new sharedPb.UUID();
    id.setString(correlationId);
    response.setCorrelationId(id);
    return response;
  };

  it('tells revision and position, also beyond 2^53', () => {
    const success = new streamsPb.BatchAppendResp.Success();
    success.setCurrentRevision('12345678901');
    const position = new sharedPb.AllStreamPosition();
    position.setCommitPosition('9223372036854775807');
    success.setPosition(position);
    const response = answer();
    response.setSuccess(success);
    expect(decodeAppendAnswer(Buffer.from(response.serializeBinary()))).toEqual({
      correlationId,
      outcome: { revision: 12_345_678_901, position: 9_223_372_036_854_775_807n },
    });
  });
});

describe('a read as it is sent', () => {
  const optionsOf = (frame: Buffer) => streamsPb.ReadReq.deserializeBinary(inFrame(frame)).getOptions();

  it('says stream, direction and range', () => {
    const options = optionsOf(encodeStreamRead('größe-1', { direction: 'backwards', from: 300, maxCount: 7 }));
    const identifier = options?.getStream()?.getStreamIdentifier()?.getStreamName_asU8() ?? [];
    expect(Buffer.from(identifier).toString()).toBe('größe-1');
    expect(options?.getStream()?.getRevision()).toBe('300');
    expect(options?.getReadDirection()).toBe(streamsPb.ReadReq.Options.ReadDirection.BACKWARDS);
    expect(options?.getCount()).toBe('7');
    expect([options?.hasNoFilter(), options?.getUuidOption()?.hasString(), options?.getResolveLinks()]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('follows links when asked to', () => {
    const range = { direction: 'forwards' as const, from: undefined, maxCount: undefined };
    expect(optionsOf(encodeStreamRead('$bc-1', { ...range, resolveLinks: true }))?.getResolveLinks()).toBe(true);
  });

  it.each([
    ['forwards' as const, 'hasStart' as const],
    ['backwards' as const, 'hasEnd' as const],
  ])('%s begins at the far end', (direction, has) => {
    const options = optionsOf(encodeStreamRead('s-1', { direction, from: undefined, maxCount: undefined }));
    expect(options?.getStream()?.[has]()).toBe(true);
    expect(options?.getCount()).toBe(String(Number.MAX_SAFE_INTEGER));
  });
});
