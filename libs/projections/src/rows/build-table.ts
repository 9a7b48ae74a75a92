/**
 * Reading and writing the table of one build. A write is one statement, so one transaction and one round trip: it moves
 * the checkpoint only if position and epoch are still as the writer knows them, and every row of it depends on that.
 * Rows travel as one JSON array that Postgres takes apart by the table's own row type.
 */
import type { Queryable } from '../bookkeeping.js';
import { Fenced } from '../errors.js';
import { quoted } from '../postgres-errors.js';
import type { Changes } from './row-fold.js';
import type { KeyOfRow, Row, RowShape } from './row-shape.js';

/** Which build, and which part of it. */
export interface BuildPart {
  readonly name: string;
  readonly build: number;
  readonly partition: number;
  readonly tableSchema: string;
}

/** A step of a checkpoint, and what goes with it. */
export interface Move {
  readonly from: bigint;
  readonly to: bigint;
  readonly epoch: bigint;
  readonly live: boolean;
  /** Events dealt with since the move before, those included that the read model does not handle. */
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly lastEventAt: Date | undefined;
}

/** Channel on which the moves of watched checkpoints are told: `{"name", "build", "partition", "position"}`. */
export const progressChannel = 'annals_progress';

const noChanges: Changes = { upserts: [], deletions: [], parked: [] };

export class BuildTable {
  /** The table as SQL names it. */
  readonly table: string;
  private readonly loadSql: string;
  private readonly upsertSql: (rows: string) => string;
  private readonly deleteSql: (keys: string) => string;

  constructor(
    private readonly part: BuildPart,
    private readonly shape: RowShape,
  ) {
    this.table = `${quoted(part.tableSchema)}.${quoted(shape.table)}`;
    const names = shape.columns.map(({ column }) => quoted(column));
    const keys = shape.primary.map(({ column }) => quoted(column));
    const others = names.filter((name) => !keys.includes(name));
    const onKeys = keys.map((key) => `t.${key} = k.${key}`).join(' and ');
    const keysFrom = (parameter: string) => `json_populate_recordset(null::${this.table}, ${parameter}::json) k`;
    const [only] = keys;
    this.loadSql =
      keys.length === 1
        ? `select ${names.join(', ')} from ${this.table} t where t.${only} = any($1)`
        : `select ${names.map((name) => `t.${name}`).join(', ')} from ${keysFrom('$1')} join ${this.table} t on ${onKeys}`;
    this.upsertSql = (rows) =>
      `insert into ${this.table} (${names.join(', ')}) ` +
      `select ${names.join(', ')} from ${keysFrom(rows)} where exists (select from moved) ` +
      `on conflict (${keys.join(', ')}) do ` +
      (others.length > 0 ? `update set ${others.map((name) => `${name} = excluded.${name}`).join(', ')}` : 'nothing');
    this.deleteSql = (deleted) =>
      `delete from ${this.table} t using ${keysFrom(deleted)} where ${onKeys} and exists (select from moved)`;
  }

  /** The rows that exist among `keys`, by id. */
  async load(db: Queryable, keys: readonly KeyOfRow[]): Promise<Map<string, Row>> {
    const [only] = this.shape.primary;
    const parameter =
      only && this.shape.primary.length === 1
        ? keys.map(({ values }) => only.encode(values[only.property]))
        : this.shape.toJson(keys.map(({ values }) => values));
    const { rows } = await db.query<Record<string, unknown>>({
      name: this.statementName('load'),
      text: this.loadSql,
      values: [parameter],
    });
    return new Map(
      rows.map((record) => {
        const { id, row } = this.shape.fromDatabase(record);
        return [id, row];
      }),
    );
  }

  /**
   * Writes the changes and moves the checkpoint: both or none.
   * @throws Fenced when the checkpoint is not where `move.from` and `move.epoch` say
   */
  async write(db: Queryable, move: Move, changes: Changes = noChanges): Promise<void> {
    const { name, build, partition } = this.part;
    const { upserts, deletions, parked } = changes;
    const values: unknown[] = [
      ...[name, build, partition, move.from, move.epoch, move.to, move.live, move.events, move.eventsPerSecond],
      move.lastEventAt?.toISOString() ?? null,
    ];
    const parameter = (value: string) => `$${values.push(value)}`;
    const parts = [moveSql];
    if (upserts.length > 0) parts.push(`upserted as (${this.upsertSql(parameter(this.shape.toJson(upserts)))})`);
    if (deletions.length > 0) parts.push(`deleted as (${this.deleteSql(parameter(this.shape.toJson(deletions)))})`);
    if (parked.length > 0) parts.push(parkSql(parameter(JSON.stringify(parked.map(parkedRecord)))));
    const { rows } = await db.query<{ moved: number }>({
      // The kinds of changes decide the text, so that each kind is one prepared statement.
      name: this.statementName(
        `write${upserts.length > 0 ? 'u' : ''}${deletions.length > 0 ? 'd' : ''}${parked.length > 0 ? 'p' : ''}`,
      ),
      text: `with ${parts.join(', ')} select count(*)::int as moved from moved`,
      values,
    });
    if (rows[0]?.moved !== 1) throw new Fenced(name, build);
  }

  private statementName(statement: string): string {
    const { name, build } = this.part;
    return `${statement} ${name} ${build}`.slice(0, 63);
  }
}

const moveSql = `moved as (
  update annals.read_model_checkpoint
  set position = $6, live = $7, events = events + $8, rate = $9, last_event_at = coalesce($10, last_event_at),
      moved_at = clock_timestamp(), error = null, failed_at = null
  where name = $1 and build = $2 and partition = $3 and position = $4 and epoch = $5
  returning case when watched_until > clock_timestamp() then pg_notify('${progressChannel}',
    json_build_object('name', name, 'build', build, 'partition', partition, 'position', position::text)::text) end)`;

const parkSql = (events: string): string => `parked as (
  insert into annals.parked_event (name, build, partition, scope, event, context, error, attempts)
  select $1, $2, $3, p.scope, p.event, p.context, p.error, p.attempts
  from rows from (json_to_recordset(${events}::json) as (scope text, event json, context json, error text, attempts integer))
    with ordinality as p(scope, event, context, error, attempts, place)
  where exists (select from moved)
  order by p.place)`;

function parkedRecord({ scope, recorded, error, attempts }: Changes['parked'][number]): Record<string, unknown> {
  const { event, at } = recorded;
  return {
    scope,
    event: { type: event.type, data: event.data },
    context: { ...at, position: String(at.position), created: at.created.toISOString() },
    error: error ?? null,
    attempts,
  };
}
