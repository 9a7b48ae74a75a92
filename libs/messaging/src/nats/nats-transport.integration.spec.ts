import { natsBed } from '../../test/nats-bed.js';
import { transportSuite, type TransportBed } from '../../test/transport-suite.js';
import type { NatsTransport } from './nats-transport.js';

async function openBed(): Promise<TransportBed> {
  const bed = await natsBed();
  return {
    ...bed,
    open: () => bed.open(),
    kill: (transport) => bed.kill(transport as NatsTransport),
    putUnreadable: (context, body) =>
      bed.direct(async (connection) => {
        connection.publish(`${bed.prefix}.commands.${context}.strange`, body);
        await connection.flush();
      }),
  };
}

transportSuite('NATS JetStream', openBed);
