/** The index of instances in the table `annals.saga_instance` of the context's Postgres. */
import type { Pool } from 'pg';
import { beginning } from '@annals/event-store';
import type { InstanceFilter, InstanceIndex } from './instance-index.js';
import type { InstanceRow, InstanceState, InstanceSummary } from './instance-view.js';
import { SagaTables } from './saga-tables.js';

/** A row as JSON has it. */
type StoredRow = Omit<InstanceRow, 'summary'> & { readonly summary: Readonly<Record<keyof InstanceSummary, unknown>> };

export class PostgresInstanceIndex implements InstanceIndex {
  private readonly tables: SagaTables;

  constructor(pool: Pool) {
    this.tables = new SagaTables(pool);
  }

  async checkpoint(): Promise<bigint> {
    const { rows } = await (
      await this.tables.ready()
    ).query<{ position: string }>('SELECT position FROM annals.saga_index');
    return rows[0] ? BigInt(rows[0].position) : beginning;
  }

  async rows(streams: readonly string[]): Promise<ReadonlyMap<string, InstanceRow>> {
    const { rows } = await (
      await this.tables.ready()
    ).query<{ stream: string; row: StoredRow }>(
      'SELECT stream, row FROM annals.saga_instance WHERE stream = ANY ($1)',
      [streams],
    );
    return new Map(rows.map(({ stream, row }) => [stream, revived(row)]));
  }

  async save(rows: ReadonlyMap<string, InstanceRow>, position: bigint): Promise<void> {
    const values = [...rows].map(([stream, row]) => ({ stream, row, ...row.summary }));
    const column = <Key extends keyof (typeof values)[number]>(key: Key) => values.map((value) => value[key]);
    await (
      await this.tables.ready()
    ).query(
      `WITH saved AS (
         INSERT INTO annals.saga_index (position) VALUES ($8)
         ON CONFLICT (only_row) DO UPDATE SET position = greatest(saga_index.position, excluded.position))
       INSERT INTO annals.saga_instance (stream, saga, version, state, updated, ended, row)
       SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::jsonb[])
       ON CONFLICT (stream) DO UPDATE SET version = excluded.version, state = excluded.state,
         updated = excluded.updated, ended = excluded.ended, row = excluded.row
         -- Who takes over may be ahead of who has not noticed yet.
         WHERE (saga_instance.row #>> '{summary,revision}')::int <= (excluded.row #>> '{summary,revision}')::int`,
      [
        column('stream'),
        column('saga'),
        column('version'),
        column('state'),
        column('updated'),
        column('ended'),
        column('row').map((row) => JSON.stringify(row)),
        position.toString(),
      ],
    );
  }

  async list({ saga, states, limit = 100 }: InstanceFilter): Promise<InstanceSummary[]> {
    const { rows } = await (
      await this.tables.ready()
    ).query<{ row: StoredRow }>(
      `SELECT row FROM annals.saga_instance
       WHERE ($1::text IS NULL OR saga = $1) AND ($2::text[] IS NULL OR state = ANY ($2))
       ORDER BY updated DESC LIMIT $3`,
      [saga ?? null, states ?? null, limit],
    );
    return rows.map(({ row }) => revived(row).summary);
  }

  /** How many instances have not ended, by saga and state. */
  async openByState(): Promise<{ saga: string; state: InstanceState; count: number }[]> {
    const { rows } = await (
      await this.tables.ready()
    ).query<{ saga: string; state: InstanceState; count: string }>(
      `SELECT saga, state, count(*) AS count FROM annals.saga_instance WHERE ended IS NULL GROUP BY saga, state`,
    );
    return rows.map((row) => ({ ...row, count: Number(row.count) }));
  }

  async open(): Promise<{ saga: string; version: number; count: number }[]> {
    const { rows } = await (
      await this.tables.ready()
    ).query<{ saga: string; version: number; count: string }>(
      `SELECT saga, version, count(*) AS count FROM annals.saga_instance
       WHERE ended IS NULL GROUP BY saga, version`,
    );
    return rows.map((row) => ({ ...row, count: Number(row.count) }));
  }
}

function revived({ summary, ...rest }: StoredRow): InstanceRow {
  const date = (value: unknown) => (typeof value === 'string' ? new Date(value) : undefined);
  const { step, lastError } = summary as Partial<InstanceSummary>;
  return {
    ...rest,
    summary: {
      ...(summary as unknown as InstanceSummary),
      // JSON leaves out what is undefined.
      step,
      lastError,
      started: new Date(summary.started as string),
      updated: new Date(summary.updated as string),
      ended: date(summary.ended),
      deadline: date(summary.deadline),
    },
  };
}
