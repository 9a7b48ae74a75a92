/**
 * What reactors keep in the context's database: how far each has come, and the events that wait because they, or an
 * earlier event of their stream, failed again and again (G6).
 */
import type { RecordedEvent } from '@annals/event-store';
import type pg from 'pg';

const ddl = `
create schema if not exists annals;
create table if not exists annals.reactor (
  name text primary key,
  position bigint not null,
  moved_at timestamptz not null default now()
);
create table if not exists annals.parked_reaction (
  id bigint generated always as identity primary key,
  reactor text not null,
  stream text not null,
  event json not null,
  context json not null,
  error text,
  attempts integer not null,
  parked_at timestamptz not null default now()
);
create index if not exists parked_reaction_stream on annals.parked_reaction (reactor, stream, id);`;

/** An event that waits for somebody to mend its handler, with its stream's later events behind it. */
export interface ParkedReaction {
  /** Names it in `retry` and `skip`. */
  readonly id: string;
  readonly stream: string;
  readonly error: string | undefined;
  readonly attempts: number;
  readonly parkedAt: Date;
  readonly recorded: RecordedEvent;
}

/** The first of a stream's waiting events, in short. */
export interface ParkedStream {
  /** Of the event; names it in `show`, `retry` and `skip`. */
  readonly id: string;
  readonly stream: string;
  readonly eventType: string;
  readonly eventId: string;
  /** Why it waits. */
  readonly error: string | undefined;
  readonly attempts: number;
  readonly parkedAt: Date;
  /** How many later events of its stream wait behind it. */
  readonly behind: number;
}

interface Row {
  readonly id: string;
  readonly stream: string;
  readonly event: RecordedEvent['event'];
  readonly context: Record<string, unknown> & { position: string; created: string };
  readonly error: string | null;
  readonly attempts: number;
  readonly parkedAt: Date;
}

const columns = 'id, stream, event, context, error, attempts, parked_at as "parkedAt"';
type Queryable = Pick<pg.Pool, 'query'>;

export class ReactorParking {
  constructor(
    private readonly database: Queryable,
    private readonly reactor: string,
  ) {}

  /** Creates the tables where they are missing. */
  static async create(pool: pg.Pool): Promise<void> {
    // `create … if not exists` may fail when two do it at once, hence the lock, which ends with the implicit transaction.
    await pool.query(`select pg_advisory_xact_lock(hashtextextended('annals reactor tables', 0)); ${ddl}`);
  }

  async position(): Promise<bigint | undefined> {
    const { rows } = await this.database.query<{ position: string }>(
      'select position from annals.reactor where name = $1',
      [this.reactor],
    );
    return rows[0] && BigInt(rows[0].position);
  }

  async moveTo(position: bigint): Promise<void> {
    await this.database.query(
      `insert into annals.reactor (name, position) values ($1, $2)
       on conflict (name) do update set position = excluded.position, moved_at = now()`,
      [this.reactor, position],
    );
  }

  async park({ event, at }: RecordedEvent, error: string, attempts: number): Promise<void> {
    await this.database.query(
      `insert into annals.parked_reaction (reactor, stream, event, context, error, attempts)
       select $1, $2, $3, $4, $5, $6
       where not exists (select from annals.parked_reaction where reactor = $1 and stream = $2 and context->>'id' = $7)`,
      [this.reactor, at.stream, ...stored(event, at), error, attempts, at.id],
    );
  }

  /** Parks it behind its stream's earlier events; false when (no longer) any of them waits. */
  async parkBehind(recorded: RecordedEvent): Promise<boolean> {
    const { event, at } = recorded;
    const { rowCount } = await this.database.query(
      `with earlier as (select context->>'id' as event_id from annals.parked_reaction where reactor = $1 and stream = $2),
            added as (insert into annals.parked_reaction (reactor, stream, event, context, attempts)
                      select $1, $2, $3, $4, 0
                      where exists (select from earlier) and not exists (select from earlier where event_id = $5))
       select from earlier limit 1`,
      [this.reactor, at.stream, ...stored(event, at), at.id],
    );
    return rowCount === 1;
  }

  async streams(): Promise<Set<string>> {
    const { rows } = await this.database.query<{ stream: string }>(
      'select distinct stream from annals.parked_reaction where reactor = $1',
      [this.reactor],
    );
    return new Set(rows.map(({ stream }) => stream));
  }

  /** All that waits, in order; of one stream, or of all. */
  async list(stream?: string): Promise<ParkedReaction[]> {
    const { rows } = await this.database.query<Row>(
      `select ${columns} from annals.parked_reaction
       where reactor = $1 and ($2::text is null or stream = $2) order by id`,
      [this.reactor, stream ?? null],
    );
    return rows.map(toParked);
  }

  /** The first event of each stream that waits, the oldest first. */
  async heads(): Promise<ParkedStream[]> {
    const { rows } = await this.database.query<Omit<ParkedStream, 'error'> & { readonly error: string | null }>(
      `select * from (
         select id, stream, event->>'type' as "eventType", context->>'id' as "eventId", error, attempts,
                parked_at as "parkedAt", count(*) over (partition by stream)::int - 1 as behind,
                row_number() over (partition by stream order by id) as place
         from annals.parked_reaction where reactor = $1) waiting
       where place = 1 order by id`,
      [this.reactor],
    );
    return rows.map(({ id, stream, eventType, eventId, error, attempts, parkedAt, behind }) => ({
      ...{ id, stream, eventType, eventId, error: error ?? undefined, attempts, parkedAt, behind },
    }));
  }

  async remove(id: string): Promise<void> {
    await this.database.query('delete from annals.parked_reaction where reactor = $1 and id = $2', [this.reactor, id]);
  }

  async failedAgain(id: string, error: string, attempts: number): Promise<void> {
    await this.database.query(
      'update annals.parked_reaction set error = $3, attempts = attempts + $4 where reactor = $1 and id = $2',
      [this.reactor, id, error, attempts],
    );
  }
}

const stored = (event: RecordedEvent['event'], at: RecordedEvent['at']): [string, string] => [
  JSON.stringify({ type: event.type, data: event.data }),
  JSON.stringify({ ...at, position: String(at.position) }),
];

const toParked = ({ context, event, error, ...row }: Row): ParkedReaction => ({
  ...row,
  error: error ?? undefined,
  recorded: {
    event,
    at: {
      ...(context as unknown as RecordedEvent['at']),
      position: BigInt(context.position),
      created: new Date(context.created),
    },
  },
});

/** A parked event of a conversation, for those who look at the conversation. */
export interface ParkedReactionOf {
  readonly id: string;
  /** {@link publisherParkingName} when it is the publisher's. */
  readonly reactor: string;
  readonly stream: string;
  readonly eventType: string;
  readonly eventId: string;
  /** Undefined for those that only wait behind another. */
  readonly error: string | undefined;
  readonly attempts: number;
  readonly parkedAt: Date;
}

/** The name under which events are parked that could not be published; no reactor of a map may have it. */
export const publisherParkingName = 'annals:publisher';

/** What reactors and the publisher of a context have parked of these conversations; none where there are neither. */
export async function parkedReactions(
  database: Queryable,
  correlationIds: readonly string[],
): Promise<ParkedReactionOf[]> {
  const { rows: tables } = await database.query<{ table: string | null }>(
    `select to_regclass('annals.parked_reaction')::text as table`,
  );
  if (tables[0]?.table == null) return [];
  const { rows } = await database.query<Omit<ParkedReactionOf, 'error'> & { error: string | null }>(
    `select id, reactor, stream, event->>'type' as "eventType", context->>'id' as "eventId", error, attempts,
            parked_at as "parkedAt"
     from annals.parked_reaction where context->>'correlationId' = any($1) order by id`,
    [correlationIds],
  );
  return rows.map((row) => ({ ...row, error: row.error ?? undefined }));
}
