// node read-all-process.mjs <event store>: reads all events; prints how many there were and the most memory it had, as JSON.
import { EventStore } from '@annals/event-store';

const store = new EventStore({ url: process.argv[2] });
let seen = 0;
for await (const { event } of store.streams.readAll()) if (event.data) seen++;
await store.close();
console.log(JSON.stringify({ seen, megabytes: process.resourceUsage().maxRSS / 1_024 }));
