// The embedded event store through the unchanged client: against Emmett on Postgres, against a server that replies from memory,
// and against itself with fewer events. Everything runs on this machine and shares its processors.
import { join } from 'node:path';
import { appends } from './appends.mjs';
import { live } from './live.mjs';
import { dataRoot, emmettOnPostgres, eventStore, remove, whenNeeded } from './parts.mjs';
import { reads } from './reads.mjs';
import { startReplay } from './replay.mjs';
import { size } from './size.mjs';

export async function open({ full }) {
  const root = dataRoot();
  const store = (name) => () => eventStore(join(root, name));
  const written = whenNeeded(store('written'));
  const read = whenNeeded(store('read'));
  const replay = whenNeeded(async () => startReplay((await read.get()).url));
  const emmett = whenNeeded(() => emmettOnPostgres(join(root, 'postgres')));
  const sizes = size(store, { full });
  return {
    comparisons: [...appends(written, emmett), ...reads(read, replay, emmett), ...live(written), ...sizes.comparisons],
    async close() {
      await replay.stop();
      await Promise.all([written, read, emmett, sizes].map((part) => part.stop()));
      remove(root);
    },
  };
}
