/** Checkpoints of consumers with idempotent effects (publishers, sagas), in the context's own database. */
import { beginning, type CheckpointStore } from '@annals/event-store';
import type pg from 'pg';
import { createBookkeeping } from './bookkeeping.js';

export class PostgresCheckpoints implements CheckpointStore {
  private created: Promise<void> | undefined;

  constructor(private readonly database: { readonly pool: pg.Pool }) {}

  async load(name: string): Promise<bigint> {
    await this.create();
    const { rows } = await this.database.pool.query<{ position: string }>({
      name: 'annals_checkpoint_load',
      text: 'select position from annals.checkpoint where name = $1',
      values: [name],
    });
    return rows[0] ? BigInt(rows[0].position) : beginning;
  }

  async save(name: string, position: bigint): Promise<void> {
    await this.create();
    await this.database.pool.query({
      name: 'annals_checkpoint_save',
      text: `insert into annals.checkpoint (name, position) values ($1, $2)
             on conflict (name) do update set position = excluded.position, moved_at = now()`,
      values: [name, position],
    });
  }

  private create(): Promise<void> {
    this.created ??= createBookkeeping(this.database.pool).catch((error: unknown) => {
      this.created = undefined;
      throw error;
    });
    return this.created;
  }
}
