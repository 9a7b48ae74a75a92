// A context that behaves as it is told: a process of its own, so that it can be slow, hang and die for real.
// PUT /_behave sets what happens to requests from then on; GET /_seen tells what came. Prints its URL when it listens.
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** kind: well | slow | hang | status | flapping | break | cut | endless | chunks */
let behaviour = { kind: 'well' };
let seen = [];
let aborted = 0;
let served = 0;
let written = 0;
let open = 0;
let most = 0;
const name = process.env.NAME ?? 'context';

function json(response, status, body, headers = {}) {
  const text = status === 304 ? '' : JSON.stringify(body);
  const length = status === 304 ? {} : { 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, { 'content-type': 'application/json', ...length, ...headers }).end(text);
}

async function bodyOf(request) {
  let size = 0;
  const chunks = [];
  for await (const chunk of request) {
    size += chunk.length;
    if (size < 10_000) chunks.push(chunk);
  }
  return { size, text: size < 10_000 ? Buffer.concat(chunks).toString() : '' };
}

const behaves = {
  well: ({ response, asked }) =>
    json(response, behaviour.status ?? 200, behaviour.body ?? { from: name, ...asked }, behaviour.headers),
  async slow(exchange) {
    await delay(behaviour.ms);
    behaves.well(exchange);
  },
  hang() {},
  status: ({ response }) => json(response, behaviour.status, { code: 'NOT_NOW' }, behaviour.headers),
  flapping: (exchange) => (served % behaviour.every === 0 ? exchange.request.socket.destroy() : behaves.well(exchange)),
  break: ({ request }) => request.socket.destroy(),
  /** Says how long the answer is, and sends half of it. */
  cut({ request, response }) {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('x'.repeat(500), () => request.socket.destroy());
  },
  async endless({ response }) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    while (!response.destroyed) {
      written += behaviour.bytes ?? 10;
      if (!response.write(`data: ${'x'.repeat(behaviour.bytes ?? 10)}\n\n`))
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      else await delay(behaviour.ms ?? 5);
    }
  },
  large: ({ response }) =>
    json(
      response,
      200,
      Array.from({ length: behaviour.rows }, (_, id) => ({ id, text: 'tea and mugs' })),
    ),
};
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

const server = createServer(async (request, response) => {
  const { method, url, headers } = request;
  if (url === '/_behave') {
    behaviour = JSON.parse((await bodyOf(request)).text);
    seen = [];
    aborted = served = written = most = 0;
    return json(response, 200, {});
  }
  if (url === '/_seen') return json(response, 200, { seen, aborted, written, most });
  most = Math.max(most, ++open);
  response.on('close', () => {
    open--;
    aborted += response.writableFinished ? 0 : 1;
  });
  served++;
  const asked = { method, url, headers };
  seen.push(asked);
  let body;
  try {
    body = await bodyOf(request);
  } catch {
    return; // the sender went away
  }
  Object.assign(asked, { bytes: body.size, body: body.text });
  const matching = (behaviour.paths ?? []).find(({ path }) => url.startsWith(path));
  if (matching) return json(response, matching.status ?? 200, matching.body, matching.headers);
  await behaves[behaviour.kind]({ request, response, asked });
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}`),
);
process.on('disconnect', () => process.exit(0));
