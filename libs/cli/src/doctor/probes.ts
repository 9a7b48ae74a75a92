/** Whether what listens at an address is the part that should be there: each is asked in its own protocol. */
import { connect } from 'node:net';
import { EventStore } from '@annals/event-store';
import type { UrlVariable } from '../parts/parts.js';

const answerWithinMs = 3_000;

/** Asks what is at the URL. @returns undefined when it is the part, else what is wrong */
export type Probe = (url: string) => Promise<string | undefined>;

async function probeEventStore(url: string): Promise<string | undefined> {
  const store = new EventStore({ url, callTimeoutMs: answerWithinMs, retryForMs: 0 });
  try {
    await store.streams.headPosition();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await store.close();
  }
}

/** SSLRequest of Postgres' protocol, answered with one byte, S or N, also by a server that wants a password. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const probePostgres: Probe = (url) =>
  converse(url, 5432, sslRequest, (answer) => /^[SN]/.test(answer), 'what answers there is no Postgres');

/** A NATS server speaks first. */
const probeNats: Probe = (url) =>
  converse(url, 4222, undefined, (answer) => answer.startsWith('INFO '), 'what answers there is no NATS server');

export const probes: Readonly<Record<UrlVariable, Probe>> = {
  EVENTSTORE_URL: probeEventStore,
  DATABASE_URL: probePostgres,
  NATS_URL: probeNats,
};

/** Connects, says something, and looks at the first answer. */
function converse(
  url: string,
  defaultPort: number,
  say: Buffer | undefined,
  isExpected: (answer: string) => boolean,
  otherwise: string,
): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port) || defaultPort, hostname.replace(/^\[|\]$/g, ''));
    const end = (problem: string | undefined) => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(answerWithinMs, () => end('no answer within 3 s'));
    socket.once('connect', () => say && socket.write(say));
    socket.once('data', (data) => end(isExpected(data.toString('latin1')) ? undefined : otherwise));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.once('close', () => end(otherwise));
  });
}
