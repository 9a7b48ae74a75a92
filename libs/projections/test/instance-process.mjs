/**
 * An instance of an app in a process of its own, to be killed: `node instance-process.mjs <event store> <database> [rebuild]`.
 * Folds the counters of counters.ts; says `owning` once it has folded something. With `rebuild` it only rebuilds them, in
 * small commits, says `done <n>` as it goes, and `rebuilt <events>` at the end. Runs the compiled packages.
 */
import { EventStore } from '@annals/event-store';
import { connectReadDatabase, Projections, readModel } from '@annals/projections';
import { Column, Entity, PrimaryColumn } from 'typeorm';

class Counter {}
PrimaryColumn('text')(Counter.prototype, 'id');
Column('int')(Counter.prototype, 'count');
Column('jsonb')(Counter.prototype, 'seen');
Entity('counter')(Counter);

const [eventStoreUrl, databaseUrl, task] = process.argv.slice(2);
const readModels = [
  readModel(Counter, {
    name: 'counters',
    version: 1,
    partitions: 4,
    key: ({ data }) => data.id,
    on: {
      Counted: (row, { data }) => ({
        id: data.id,
        count: (row?.count ?? 0) + 1,
        seen: [...(row?.seen ?? []), data.number],
      }),
    },
  }),
];
const store = new EventStore({ url: eventStoreUrl });
const database = await connectReadDatabase({ url: databaseUrl, context: 'counters', readModels });
const feed = store.feed(['counter-']);
const projections = new Projections({ database, context: 'counters', feed, store, readModels });
if (task === 'rebuild') {
  const onProgress = ({ done }) => console.log(`done ${done}`);
  const { events } = await projections.rebuild('counters', { throttle: 80, onProgress });
  console.log(`rebuilt ${events}`);
  await projections.stop();
  await store.close();
  await database.close();
} else {
  await projections.start();
  await projections.waitForAll(await store.streams.headPosition());
  console.log('owning');
}
