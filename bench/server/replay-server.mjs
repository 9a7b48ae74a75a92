// The limit of reads: a server that passes a call to an event store once, and answers the same call from memory ever after.
// Argument: the host and port of the event store. Prints its own port when it serves, ends with its parent's pipe.
import { connect, createServer } from 'node:http2';

const upstream = connect(`http://${process.argv[2]}`, { settings: { initialWindowSize: 1 << 20 } });
/** By path and request: `{ frames, headers, trailers }`; without trailers where the reader left before the end. */
const recordings = new Map();
const sessionWindow = 8 << 20;

function replay(stream, { headers, frames, trailers }) {
  stream.respond(headers, { waitForTrailers: trailers !== undefined });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  if (trailers) stream.end(frames);
  else stream.write(frames);
}

const own = ([name]) => !name.startsWith(':') || name === ':status';
const withoutConnection = (headers) => Object.fromEntries(Object.entries(headers).filter(own));

/** Passes the call on and keeps what is answered. */
function record(stream, request, body, key) {
  const { ':path': path, 'content-type': type, te } = request;
  const call = upstream.request({ ':method': 'POST', ':path': path, 'content-type': type, te });
  const frames = [];
  let headers;
  let trailers;
  const keep = () => recordings.set(key, { headers, trailers, frames: Buffer.concat(frames) });
  call.on('response', (answer) => {
    headers = withoutConnection(answer);
    stream.respond(headers, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
  });
  call.on('trailers', (answer) => (trailers = withoutConnection(answer)));
  call.on('data', (frame) => {
    frames.push(frame);
    if (!stream.destroyed) stream.write(frame);
  });
  call.on('end', () => {
    if (stream.destroyed) return;
    keep();
    stream.end();
  });
  stream.on('close', () => {
    if (headers && !recordings.has(key)) keep();
    call.close();
  });
  call.end(body);
}

const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
server.on('session', (session) => session.setLocalWindowSize(sessionWindow));
server.on('stream', (stream, request) => {
  const chunks = [];
  stream.on('error', () => undefined); // the client cancelled: subscriptions always end so
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const body = Buffer.concat(chunks);
    const key = `${request[':path']} ${body.toString('base64')}`;
    const recording = recordings.get(key);
    if (recording) replay(stream, recording);
    else record(stream, request, body, key);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit(0));
