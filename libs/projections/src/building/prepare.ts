/** Makes sure, before anybody queries, that a read model has a view of the shape that this version of the code expects. */
import type pg from 'pg';
import { inTransaction, lockName, type Queryable } from '../bookkeeping.js';
import { EntityChanged } from '../errors.js';
import type { AnyReadModel } from '../read-model.js';
import type { RowShape } from '../rows/row-shape.js';
import { createBuild, findBuild, buildsInState, servedBuilds, showBuild, type Build } from './builds.js';

export interface Prepared {
  /** The version is new here, or its last rebuild was interrupted: it has to be built. */
  readonly mustBuild: boolean;
}

/**
 * - Known version: nothing to do. Its table must still have the entity's columns.
 * - First version in this database: an empty table is served at once, and filled by catching up.
 * - Another version is there: its rows are shown, in the new shape, until the new table is built.
 * @throws EntityChanged
 */
export const prepare = (pool: pg.Pool, url: string, model: AnyReadModel, shape: RowShape): Promise<Prepared> =>
  inTransaction(pool, async (tx) => {
    await lockName(tx, model.name);
    const served = await servedBuilds(tx, model);
    if (served?.serving === undefined) return prepareNew(tx, url, model, shape);
    const build = await findBuild(tx, model.name, served.serving);
    if (build?.version === model.version && build.fingerprint !== shape.fingerprint)
      throw new EntityChanged(model.name, model.version);
    const unfinished = await buildsInState(tx, model, 'building');
    return { mustBuild: unfinished.length > 0 || (build?.version !== model.version && !served.rolledBack) };
  });

async function prepareNew(tx: pg.PoolClient, url: string, model: AnyReadModel, shape: RowShape): Promise<Prepared> {
  const other = await servedByOthers(tx, model);
  const own =
    (await buildsInState(tx, model, 'building'))[0] ??
    (await createBuild(tx, url, model, shape, other ? 'building' : 'serving'));
  const shown = other ?? own;
  await tx.query(
    `insert into annals.read_model (name, version, serving_build) values ($1, $2, $3)
     on conflict (name, version) do update set serving_build = excluded.serving_build`,
    [model.name, model.version, shown.build],
  );
  if (!other && own.state === 'building')
    await tx.query(`update annals.read_model_build set state = 'serving' where name = $1 and build = $2`, [
      own.name,
      own.build,
    ]);
  await showBuild(tx, model, shown, own);
  return { mustBuild: other !== undefined };
}

/** What the newest other version serves from a build of its own. */
async function servedByOthers(tx: Queryable, { name, version }: AnyReadModel): Promise<Build | undefined> {
  const { rows } = await tx.query<{ build: number }>(
    `select b.build from annals.read_model r join annals.read_model_build b on b.name = r.name and b.build = r.serving_build
     where r.name = $1 and r.version <> $2 and b.version = r.version order by r.version desc limit 1`,
    [name, version],
  );
  return rows[0] && findBuild(tx, name, rows[0].build);
}
