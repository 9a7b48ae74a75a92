/**
 * The simulated carrier as a program of its own: somebody else's system, so nothing of Annals is in it. It keeps nothing
 * on disk; what it says of a reference depends on the reference alone, so it says the same after a restart.
 */
import { readBehaviour } from './behaviour.js';
import { startCarrier } from './carrier-server.js';

const { env } = process;
const carrier = await startCarrier({
  port: Number(env['CARRIER_PORT'] || env['PORT'] || 3006),
  host: env['HOST'] || '127.0.0.1',
  secret: env['CARRIER_SECRET'] || 'the carrier and shipping know this',
  behaviour: readBehaviour(env),
});
console.log(`carrier listens on ${carrier.url}`);

const end = () => void carrier.stop().then(() => process.exit(0));
process.once('SIGTERM', end).once('SIGINT', end);
