/**
 * The carrier's HTTP API, as good or bad as its behaviour says:
 *
 *   PUT    /bookings/:reference              { pieces, shipTo } ▶ 201 | 200 | 422 { reason }
 *   DELETE /bookings/:reference              ▶ 204; it is not booked any more from then on
 *   PUT    /bookings/:reference/collection   { reportTo } ▶ 202
 *   GET    /bookings/:reference              for tests: what it knows
 *   GET | PUT /simulation                    its behaviour, never disturbed
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { changed, type Behaviour } from './behaviour.js';
import { Bookings } from './bookings.js';
import { Reports, type Conversation } from './reports.js';

export interface CarrierOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  /** Signs reports. */
  readonly secret: string;
  readonly behaviour: Behaviour;
  /** Gives numbers from 0 to 1 that decide which requests fail. */
  readonly random?: () => number;
}

export interface RunningCarrier {
  readonly url: string;
  stop(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;
interface Answer {
  readonly status: number;
  readonly body?: object;
}

export async function startCarrier(options: CarrierOptions): Promise<RunningCarrier> {
  const { port, host, secret, random = Math.random } = options;
  const bookings = new Bookings();
  const reports = new Reports(secret);
  let { behaviour } = options;

  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${actual}`,
    stop: async () => {
      reports.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const [resource, reference, part] = url.split('/').slice(1).map(decodeURIComponent);
    try {
      if (resource === 'health') return send(response, { status: 200, body: { status: 'ok' } });
      if (resource === 'simulation') return send(response, simulation(method, await bodyOf(request)));
      if (resource !== 'bookings' || !reference) return send(response, { status: 404 });
      const conversation = conversationOf(request);
      await disturbed(response, async () => booking(method, reference, part, await bodyOf(request), conversation));
    } catch (error) {
      send(response, { status: 400, body: { reason: String(error) } });
    }
  }

  function simulation(method: string, body: Body): Answer {
    if (method === 'PUT') behaviour = changed(behaviour, body);
    return { status: 200, body: { ...behaviour, bookings: bookings.size } };
  }

  /** Answers as the behaviour says: late, not at all, with an error, or with silence although it was done. */
  async function disturbed(response: ServerResponse, work: () => Promise<Answer>): Promise<void> {
    const { latencyMs, failing, down } = behaviour;
    if (down) return void response.destroy();
    if (latencyMs > 0) await wait(latencyMs);
    const luck = random();
    if (luck < failing / 2) return send(response, { status: 503, body: { reason: 'try again later' } });
    const answer = await work();
    if (luck < failing) return void response.destroy();
    send(response, answer);
  }

  function booking(method: string, reference: string, part = '', body: Body, conversation: Conversation): Answer {
    switch (`${method} ${part}`.trim()) {
      case 'PUT': {
        const { country } = (body['shipTo'] ?? {}) as { country?: unknown };
        if (typeof country !== 'string') return { status: 400, body: { reason: 'shipTo.country is missing' } };
        return bookings.book(reference, JSON.stringify(body), country, behaviour.refusedCountries);
      }
      case 'GET': {
        const known = bookings.get(reference);
        return known ? { status: 200, body: known } : { status: 404 };
      }
      case 'DELETE':
        bookings.cancel(reference);
        return { status: 204 };
      case 'PUT collection':
        return collect(reference, body['reportTo'], conversation);
      default:
        return { status: 405 };
    }
  }

  function collect(reference: string, reportTo: unknown, conversation: Conversation): Answer {
    const first = bookings.collect(reference);
    if (first === undefined) return { status: 404, body: { reason: `${reference} was called off` } };
    if (first && typeof reportTo === 'string')
      reports.deliverAfter(behaviour.transitMs, { reference, reportTo, conversation });
    return { status: 202 };
  }
}

const conversationOf = ({ headers }: IncomingMessage): Conversation =>
  Object.fromEntries(
    ['x-correlation-id', 'traceparent', 'tracestate']
      .filter((name) => headers[name] !== undefined)
      .map((name) => [name, String(headers[name])]),
  );

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : (JSON.parse(text) as Body);
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, body && { 'content-type': 'application/json' });
  response.end(body && JSON.stringify(body));
}
