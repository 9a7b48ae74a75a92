// node rebuild-process.mjs <event store> <postgres> <events>: one rebuild; prints its rate and the most memory it had, as JSON.
import { orderSummary } from './orders.mjs';
import { app, rebuild } from './parts.mjs';

const [eventStoreUrl, postgresUrl, events] = process.argv.slice(2);
const started = await app(eventStoreUrl, postgresUrl, [orderSummary()]);
const rate = await rebuild(started, ['order-summary'], Number(events));
await started.stop();
console.log(JSON.stringify({ rate, megabytes: process.resourceUsage().maxRSS / 1_024 }));
process.exit(0);
