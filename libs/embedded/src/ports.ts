/** TCP ports on the loopback interface. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { PortTaken, type PortVariable } from './errors.js';

const loopback = '127.0.0.1';

/** Listens on `port` for a moment. @returns the port it got, or undefined when it is taken */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: loopback, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

/**
 * Below those that systems give to outgoing connections and to whoever asks for any (from 32768 or 49152 on): nobody is
 * given one of these by chance between the moment when it is chosen and the moment when it is used.
 */
const chosenPorts = { first: 10_000, count: 22_000 } as const;
const attempts = 100;

/** A port on 127.0.0.1 that nobody listens on now, chosen at random so that processes that choose at once choose different ones. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const port = await tryPort(chosenPorts.first + randomInt(chosenPorts.count));
    if (port !== undefined) return port;
  }
  throw new Error(`None of ${attempts} ports on 127.0.0.1 is free.`);
}

/** @throws {PortTaken} when somebody listens on 127.0.0.1:`port`. Port 0 is always free. */
export async function assertPortFree(part: string, port: number, variable: PortVariable): Promise<void> {
  if (port !== 0 && (await tryPort(port)) === undefined) throw new PortTaken(part, port, variable);
}
