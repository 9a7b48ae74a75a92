// Serves one event store in a process of its own, for tests that kill it: node serve.mjs '{"path":"…","port":0}'
// Prints the URL when ready; stops on SIGTERM.
import { startEventStore } from '../dist/index.js';

const server = await startEventStore(JSON.parse(process.argv[2]));
process.on('SIGTERM', async () => {
  await server.close();
  process.exit(0);
});
console.log(server.url);
