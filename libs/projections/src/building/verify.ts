/**
 * Proof that a read model is a function of its events: folds them again into a shadow table, up to exactly where the
 * served one stands, and compares row by row, byte by byte. The served build stands still only while they are compared.
 */
import { inTransaction, lockName } from '../bookkeeping.js';
import { RebuildCancelled } from '../errors.js';
import { quoted } from '../postgres-errors.js';
import type { AnyReadModel } from '../read-model.js';
import { partitionOf } from '../rows/partition.js';
import type { RowShape } from '../rows/row-shape.js';
import type { Positions } from '../running/positions.js';
import type { BuildRun } from './build-run.js';
import { buildsInState, createBuild, dropBuild, findBuild, servedBuilds, type Build } from './builds.js';
import { startRun, type BuildSurroundings, type RebuildOptions } from './rebuild.js';
import { withRebuildLock } from './rebuild-lock.js';
import { holdServed, max } from './swap.js';

export interface Drift {
  readonly kind: 'missing' | 'unexpected' | 'different';
  readonly key: Readonly<Record<string, unknown>>;
  /** The row that the events say. */
  readonly expected: Readonly<Record<string, unknown>> | undefined;
  /** The row that queries see. */
  readonly actual: Readonly<Record<string, unknown>> | undefined;
}

export interface Verification {
  readonly rows: number;
  readonly events: number;
  readonly position: bigint;
  /** How many rows differ. */
  readonly drifted: number;
  /** The first of them, 100 at most. */
  readonly drift: readonly Drift[];
}

const reported = 100;
const ownerStandsStillMs = 2_000;

/** @returns undefined when nothing is served that this version built @throws RebuildInProgress, RebuildCancelled */
export function verify(
  surroundings: BuildSurroundings,
  positions: Positions,
  model: AnyReadModel,
  shape: RowShape,
  options: RebuildOptions,
  interrupted: AbortSignal,
): Promise<Verification | undefined> {
  const { database } = surroundings;
  const { pool } = database;
  const cancelled = options.signal ?? new AbortController().signal;
  const ended = AbortSignal.any([cancelled, interrupted]);
  return withRebuildLock(database, model, ended, async (lockLost) => {
    const shadow = await inTransaction(pool, async (tx) => {
      await lockName(tx, model.name);
      for (const left of await buildsInState(tx, model, 'shadow')) await dropBuild(tx, left);
      return createBuild(tx, database.url, model, shape, 'shadow');
    });
    const signal = AbortSignal.any([ended, lockLost]);
    const run = startRun(surroundings, model, shape, shadow, options, signal);
    try {
      await run.catchUp();
      for (;;) {
        const result = await compareNow(surroundings, model, shape, shadow, run);
        if (result !== 'behind') return result;
        signal.throwIfAborted();
        await positions.wait(model, run.position, { timeoutMs: ownerStandsStillMs, signal });
      }
    } catch (error) {
      if (cancelled.aborted) throw new RebuildCancelled(model.name);
      throw error;
    } finally {
      await run.close();
      await inTransaction(pool, (tx) => dropBuild(tx, shadow));
    }
  });
}

/** @returns 'behind' when the served build is, somewhere, behind the shadow */
function compareNow(
  { database }: BuildSurroundings,
  model: AnyReadModel,
  shape: RowShape,
  shadow: Build,
  run: BuildRun,
): Promise<Verification | 'behind' | undefined> {
  return inTransaction(database.pool, async (tx) => {
    await lockName(tx, model.name);
    const held = await holdServed(tx, model);
    const served = await servedBuilds(tx, model);
    const actual = served?.serving === undefined ? undefined : await findBuild(tx, model.name, served.serving);
    if (!actual || held.length === 0) return undefined;
    if (held.some((position) => position < run.position)) return 'behind';
    run.cutoff = (id) => held[partitionOf(id, held.length)] ?? 0n;
    await run.reach(max(held));
    const { rows } = await tx.query<{ total: number; drifted: number; drift: Drift[] | null }>(
      comparison(shape, actual, shadow),
    );
    const { total = 0, drifted = 0, drift = [] } = rows[0] ?? {};
    return { rows: total, events: run.events, position: max(held), drifted, drift: drift ?? [] };
  });
}

/** Rows are compared as text: not all types have an equality, and "equal" has to mean what a client is sent. */
function comparison({ primary, columns, table }: RowShape, actual: Build, expected: Build): string {
  const keys = primary.map(({ column }) => quoted(column));
  const names = columns.map(({ column }) => quoted(column));
  const from = (build: Build) =>
    `(select ${names.join(', ')}, row(${names.map((name) => `${name}::text`).join(', ')})::text as "annals text" from ${quoted(build.tableSchema)}.${quoted(table)})`;
  const keyJson = keys.map((key) => `${literal(key)}, coalesce(e.${key}, a.${key})`).join(', ');
  const rowJson = (side: string) =>
    `case when ${side}."annals text" is null then null else to_jsonb(${side}) - 'annals text' end`;
  return `
    with compared as (
      select e."annals text" as expected_text, a."annals text" as actual_text,
        case when a."annals text" is null then 'missing' when e."annals text" is null then 'unexpected' else 'different' end as kind,
        json_build_object(${keyJson}) as key, ${rowJson('e')} as expected, ${rowJson('a')} as actual
      from ${from(expected)} e full join ${from(actual)} a on ${keys.map((key) => `e.${key} = a.${key}`).join(' and ')}
    ), drift as (
      select kind, key, expected, actual from compared where expected_text is distinct from actual_text limit ${reported}
    )
    select (select count(*)::int from compared) as total,
      (select count(*)::int from compared where expected_text is distinct from actual_text) as drifted,
      (select json_agg(drift) from drift) as drift`;
}

const literal = (identifier: string): string =>
  `'${identifier.slice(1, -1).replaceAll('""', '"').replaceAll("'", "''")}'`;
