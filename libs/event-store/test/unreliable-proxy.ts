/** A TCP way to the event store on which a test can let things go wrong. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface UnreliableProxy {
  readonly port: number;
  /** Ends all connections without a word, and refuses new ones until {@link mend}. */
  cut(): void;
  mend(): void;
  /** From now on nothing comes back on the present connections; new ones work. */
  swallowAnswers(): void;
  /** Ends a connection the next time that an answer would pass, which is lost. */
  cutAtNextAnswer(): void;
  /** How many connections were ever made. */
  readonly connections: number;
  close(): Promise<void>;
}

export async function unreliableProxy(targetPort: number): Promise<UnreliableProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly target: Socket; swallow: boolean }>();
  let isCut = false;
  let cutNext = false;
  let connections = 0;
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    connections++;
    const pair = { client, target: connect(targetPort, '127.0.0.1'), swallow: false };
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      pair.target.destroy();
    };
    pairs.add(pair);
    for (const socket of [client, pair.target]) socket.on('error', end).on('close', end);
    client.on('data', (bytes) => pair.target.write(bytes));
    pair.target.on('data', (bytes) => {
      if (cutNext) {
        cutNext = false;
        end();
      } else if (!pair.swallow) {
        client.write(bytes);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endAll = () => pairs.forEach(({ client }) => client.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      endAll();
    },
    mend() {
      isCut = false;
    },
    swallowAnswers() {
      pairs.forEach((pair) => (pair.swallow = true));
    },
    cutAtNextAnswer() {
      cutNext = true;
    },
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        endAll();
      }),
  };
}
