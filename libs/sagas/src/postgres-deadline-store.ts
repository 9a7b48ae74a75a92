/** Deadlines in the table `annals.saga_deadline` of the context's Postgres. */
import type { Pool } from 'pg';
import type { DeadlineStore, StoredDeadline } from './deadline-store.js';
import { SagaTables } from './saga-tables.js';

interface Row {
  readonly id: string;
  readonly saga: string;
  readonly instance: string;
  readonly kind: StoredDeadline['kind'];
  readonly number: number;
  readonly due: Date;
}

export class PostgresDeadlineStore implements DeadlineStore {
  private readonly tables: SagaTables;

  constructor(pool: Pool) {
    this.tables = new SagaTables(pool);
  }

  async save(set: readonly StoredDeadline[], removed: readonly string[]): Promise<void> {
    if (set.length === 0 && removed.length === 0) return;
    const columns = (['id', 'saga', 'instance', 'kind', 'number', 'due'] as const).map((name) =>
      set.map((row) => row[name]),
    );
    await (
      await this.tables.ready()
    ).query(
      `WITH removed AS (DELETE FROM annals.saga_deadline WHERE id = ANY ($7::uuid[]))
       INSERT INTO annals.saga_deadline (id, saga, instance, kind, number, due)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::timestamptz[])
       ON CONFLICT (id) DO UPDATE SET due = excluded.due`,
      [...columns, removed],
    );
  }

  async due(sagas: readonly string[], now: Date, limit: number): Promise<StoredDeadline[]> {
    const { rows } = await (
      await this.tables.ready()
    ).query<Row>(
      `SELECT id, saga, instance, kind, number, due FROM annals.saga_deadline
       WHERE due <= $1 AND saga = ANY ($2) ORDER BY due LIMIT $3`,
      [now, sagas, limit],
    );
    return rows;
  }

  async next(sagas: readonly string[]): Promise<Date | undefined> {
    const { rows } = await (
      await this.tables.ready()
    ).query<{ due: Date }>(`SELECT due FROM annals.saga_deadline WHERE saga = ANY ($1) ORDER BY due LIMIT 1`, [sagas]);
    return rows[0]?.due;
  }
}
