/** A node that is not the leader, and says so to every call, as EventStoreDB does: it names the node that is. */
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface Follower {
  readonly port: number;
  /** From now on this port is named. */
  follow(leaderPort: number): void;
  /** How many calls were sent on. */
  readonly refused: number;
  close(): Promise<void>;
}

export async function follower(leaderPort: number): Promise<Follower> {
  let leader = leaderPort;
  let refused = 0;
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => undefined);
  });
  server.on('stream', (stream) => {
    refused++;
    stream.on('error', () => undefined).resume();
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': '5',
        'grpc-message': 'Leader info available',
        exception: 'not-leader',
        'leader-endpoint-host': '127.0.0.1',
        'leader-endpoint-port': String(leader),
      },
      { endStream: true },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    follow(port) {
      leader = port;
    },
    get refused() {
      return refused;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}
