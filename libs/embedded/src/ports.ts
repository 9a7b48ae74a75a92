/** TCP ports on the loopback interface. */
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

/** A port on 127.0.0.1 that nobody listens on now. Another process may take it before you do: be ready to ask again. */
export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === undefined) throw new Error('The system has no free port on 127.0.0.1.');
  return port;
}

/** @throws {PortTaken} when somebody listens on 127.0.0.1:`port`. Port 0 is always free. */
export async function assertPortFree(part: string, port: number, variable: PortVariable): Promise<void> {
  if (port !== 0 && (await tryPort(port)) === undefined) throw new PortTaken(part, port, variable);
}
