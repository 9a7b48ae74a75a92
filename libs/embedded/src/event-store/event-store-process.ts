/**
 * The process of the embedded event store, for those who want it apart from their own (`startEventStoreProcess`).
 * Arguments: port, then the folder of its data or nothing for a store in memory. Prints `ready <url>` on stdout, closes on
 * SIGTERM or SIGINT.
 */
import { startEventStore } from '@annals/server';

const [port, path] = process.argv.slice(2);
const where = path === undefined ? { memory: true as const } : { path };
const server = await startEventStore({ host: '127.0.0.1', port: Number(port), ...where });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
console.log(`ready ${server.url}`);
