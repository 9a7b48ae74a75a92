/** Which handler answers which method, and the two shapes most handlers have. */
import { MalformedRequest, NotSupported } from '../errors.js';
import type { GrpcCall } from './grpc-call.js';
import { grpcFrame } from './protobuf.js';

export type Handler = (call: GrpcCall) => void;
/** By path: `/package.Service/Method`. */
export type Handlers = Readonly<Record<string, Handler>>;

/** One request, one answer. */
export const unary =
  (answer: (request: Buffer, call: GrpcCall) => Promise<Uint8Array> | Uint8Array): Handler =>
  (call) => {
    single(call, async (request) => {
      const response = await answer(request, call);
      call.write(grpcFrame(response));
      call.end();
    });
  };

/** One request, many answers: `answer` writes them and ends the call. */
export const serverStreaming =
  (answer: (request: Buffer, call: GrpcCall) => Promise<void>): Handler =>
  (call) =>
    single(call, (request) => answer(request, call));

function single(call: GrpcCall, answer: (request: Buffer) => Promise<void>): void {
  let started = false;
  call.receive(
    (request) => {
      if (started) throw new MalformedRequest('a second message on a call that takes one');
      started = true;
      answer(request).catch((error: unknown) => call.fail(error));
    },
    () => {
      if (!started) throw new MalformedRequest('no message on a call that takes one');
    },
  );
}

export function dispatch(handlers: Handlers, path: string, call: GrpcCall): void {
  const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
  if (!handler) {
    call.fail(
      new NotSupported(
        `The embedded event store does not serve ${path}. See its README for what it does, or run EventStoreDB itself.`,
      ),
    );
    return;
  }
  try {
    handler(call);
  } catch (error) {
    call.fail(error);
  }
}
