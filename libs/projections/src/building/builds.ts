/** The builds of read models as rows of the bookkeeping, and their tables and views. */
import { hostname } from 'node:os';
import { beginning } from '@annals/event-store';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import type { Queryable } from '../bookkeeping.js';
import { NameTaken } from '../errors.js';
import { hasSqlState, quoted } from '../postgres-errors.js';
import { viewSchema } from '../read-database.js';
import type { AnyReadModel } from '../read-model.js';
import type { RowShape } from '../rows/row-shape.js';

export type BuildState = 'building' | 'serving' | 'kept' | 'shadow';

export interface Build {
  readonly name: string;
  readonly build: number;
  readonly version: number;
  readonly partitions: number;
  readonly tableSchema: string;
  readonly tableName: string;
  readonly fingerprint: string;
  readonly state: BuildState;
  readonly startedBy: string;
  readonly startedAt: Date;
}

const buildColumns = `b.name, b.build, b.version, b.partitions, b.table_schema as "tableSchema", b.table_name as "tableName",
  b.fingerprint, b.state, b.started_by as "startedBy", b.started_at as "startedAt"`;

/** Names this process in the bookkeeping: where somebody has to look. */
export const thisProcess = `${hostname()}, process ${process.pid}`;

/** What the view of this name and version shows, and what it showed before. */
export interface ServedBuilds {
  readonly serving: number | undefined;
  readonly previous: number | undefined;
  readonly paused: boolean;
  readonly rolledBack: boolean;
}

export async function servedBuilds(db: Queryable, { name, version }: AnyReadModel): Promise<ServedBuilds | undefined> {
  const { rows } = await db.query<{
    serving_build: number | null;
    previous_build: number | null;
    paused: boolean;
    rolled_back: boolean;
  }>(
    'select serving_build, previous_build, paused, rolled_back from annals.read_model where name = $1 and version = $2',
    [name, version],
  );
  const [row] = rows;
  return (
    row && {
      serving: row.serving_build ?? undefined,
      previous: row.previous_build ?? undefined,
      paused: row.paused,
      rolledBack: row.rolled_back,
    }
  );
}

export async function findBuild(db: Queryable, name: string, build: number): Promise<Build | undefined> {
  const { rows } = await db.query<Build>(
    `select ${buildColumns} from annals.read_model_build b where name = $1 and build = $2`,
    [name, build],
  );
  return rows[0];
}

export async function buildsInState(db: Queryable, model: AnyReadModel, state: BuildState): Promise<Build[]> {
  const { rows } = await db.query<Build>(
    `select ${buildColumns} from annals.read_model_build b where name = $1 and version = $2 and state = $3 order by build`,
    [model.name, model.version, state],
  );
  return rows;
}

/** Makes a build with an empty table; call it in a transaction that holds the name's lock. */
export async function createBuild(
  tx: pg.PoolClient,
  url: string,
  model: AnyReadModel,
  shape: RowShape,
  state: BuildState,
): Promise<Build> {
  const { rows } = await tx.query<{ next: number }>(
    'select coalesce(max(build), 0) + 1 as next from annals.read_model_build where name = $1',
    [model.name],
  );
  const build = rows[0]?.next ?? 1;
  const tableSchema = `${model.name}_v${model.version}_b${build}`;
  await tx.query(`drop schema if exists ${quoted(tableSchema)} cascade`);
  await tx.query(`create schema ${quoted(tableSchema)}`);
  for (const { query, parameters } of await tableDdl(url, model, tableSchema)) await tx.query(query, parameters);
  await tx.query(
    `insert into annals.read_model_build (name, build, version, partitions, table_schema, table_name, fingerprint, state, started_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      model.name,
      build,
      model.version,
      model.partitions,
      tableSchema,
      shape.table,
      shape.fingerprint,
      state,
      thisProcess,
    ],
  );
  // While it is built, one reader folds it whole; a serving build has a checkpoint for each partition.
  await createCheckpoints(tx, model.name, build, state === 'serving' ? model.partitions : 1, beginning, 0);
  const created = await findBuild(tx, model.name, build);
  if (!created) throw new Error(`The build ${build} of ${model.name} vanished within its own transaction.`);
  return created;
}

export async function createCheckpoints(
  tx: Queryable,
  name: string,
  build: number,
  partitions: number,
  position: bigint,
  events: number,
): Promise<void> {
  await tx.query(
    `insert into annals.read_model_checkpoint (name, build, partition, position, events)
     select $1, $2, partition, $4, $5 from generate_series(0, $3::integer - 1) partition`,
    [name, build, partitions, position, events],
  );
}

/** The statements TypeORM would run for this entity in an empty schema. */
async function tableDdl(
  url: string,
  model: AnyReadModel,
  schema: string,
): Promise<readonly { query: string; parameters?: unknown[] | undefined }[]> {
  const source = new DataSource({
    type: 'postgres',
    url,
    schema,
    entities: [model.entity],
    installExtensions: false,
    logging: false,
    poolSize: 1,
  });
  await source.initialize();
  try {
    return (await source.driver.createSchemaBuilder().log()).upQueries;
  } finally {
    await source.destroy();
  }
}

/** Drops the build, its table, its checkpoints and what is parked in it. */
export async function dropBuild(tx: Queryable, build: Pick<Build, 'name' | 'build' | 'tableSchema'>): Promise<void> {
  await tx.query(`drop schema if exists ${quoted(build.tableSchema)} cascade`);
  await tx.query('delete from annals.read_model_build where name = $1 and build = $2', [build.name, build.build]);
}

/** Drops everything there is of a read model, in all its versions: views, tables, bookkeeping. */
export async function dropReadModel(tx: Queryable, { name }: AnyReadModel): Promise<void> {
  const { rows: builds } = await tx.query<Build>(
    `select ${buildColumns} from annals.read_model_build b where name = $1`,
    [name],
  );
  for (const build of builds) await dropBuild(tx, build);
  const { rows: versions } = await tx.query<{ version: number }>(
    'delete from annals.read_model where name = $1 returning version',
    [name],
  );
  for (const { version } of versions)
    await tx.query(`drop schema if exists ${quoted(viewSchema({ name, version }))} cascade`);
}

/**
 * Lets the view of this version show `build`, and the one in `public` as well when no newer version has a view.
 * @param types whose columns the view has; where `build` lacks one, it is null
 */
export async function showBuild(tx: Queryable, model: AnyReadModel, build: Build, types = build): Promise<void> {
  const schema = quoted(viewSchema(model));
  await tx.query(`create schema if not exists ${schema}`);
  const columns = await columnsAs(tx, build, types);
  await replaceView(tx, model, `${schema}.${quoted(types.tableName)}`, columns, build);
  if (await isNewest(tx, model)) await replaceView(tx, model, `public.${quoted(types.tableName)}`, columns, build);
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isEnum: boolean;
}

async function columnsAs(tx: Queryable, build: Build, types: Build): Promise<string> {
  const present = new Map((await columnsOf(tx, build)).map((column) => [column.name, column]));
  const wanted = await columnsOf(tx, types);
  return wanted
    .map(({ name, type, isEnum }) => {
      const found = present.get(name);
      if (found?.type === type) return quoted(name);
      // Each build has enum types of its own; their labels are the same text.
      if (found?.isEnum && isEnum) return `${quoted(name)}::text as ${quoted(name)}`;
      return `null::${type} as ${quoted(name)}`;
    })
    .join(', ');
}

async function columnsOf(tx: Queryable, { tableSchema, tableName }: Build): Promise<Column[]> {
  const { rows } = await tx.query<Column>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, t.typtype = 'e' as "isEnum"
     from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [`${quoted(tableSchema)}.${quoted(tableName)}`],
  );
  return rows;
}

const wrongObjectType = '42809';
const invalidTableDefinition = '42P16';

async function replaceView(
  tx: Queryable,
  model: AnyReadModel,
  view: string,
  columns: string,
  build: Build,
): Promise<void> {
  const definition = `view ${view} as select ${columns} from ${quoted(build.tableSchema)}.${quoted(build.tableName)}`;
  await tx.query('savepoint replacing');
  try {
    // Keeps grants, and views that others made on top of it.
    await tx.query(`create or replace ${definition}`);
  } catch (cause) {
    if (hasSqlState(cause, wrongObjectType)) throw new NameTaken(model.name, view, { cause });
    if (!hasSqlState(cause, invalidTableDefinition)) throw cause;
    await tx.query('rollback to savepoint replacing');
    await tx.query(`drop view ${view}`);
    await tx.query(`create ${definition}`);
  }
  await tx.query('release savepoint replacing');
}

async function isNewest(tx: Queryable, { name, version }: AnyReadModel): Promise<boolean> {
  const { rows } = await tx.query(
    `select 1 from annals.read_model r join annals.read_model_build b on b.name = r.name and b.build = r.serving_build
     where r.name = $1 and r.version > $2 and b.version = r.version`,
    [name, version],
  );
  return rows.length === 0;
}
