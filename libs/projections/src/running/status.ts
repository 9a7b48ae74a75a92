/** How the read models are, as Postgres knows it: the same answer in every process. */
import type { Queryable } from '../bookkeeping.js';
import type { AnyReadModel } from '../read-model.js';

/**
 * `live`: has folded everything there is. `catching-up`: has not yet. `rebuilding`: serves, while a new build is made.
 * `failing`: cannot go on at the moment, and tries again. `paused`: by somebody's wish. `rolled-back`: serves a build of
 * another version, and does not fold it. `unknown`: was never started here.
 */
export type ProjectionState = 'live' | 'catching-up' | 'rebuilding' | 'failing' | 'paused' | 'rolled-back' | 'unknown';

export interface ProjectionStatus {
  readonly name: string;
  readonly version: number;
  readonly state: ProjectionState;
  /** Number of the build that queries see. */
  readonly build: number | undefined;
  /** Its version, which is another one until this version is built, and after a rollback. */
  readonly servedVersion: number | undefined;
  /** Keys (or streams) that stand still behind a poison event. */
  readonly parked: number;
  /** Everything up to here is in the rows. */
  readonly position: bigint | undefined;
  /** How many events it has read. */
  readonly events: number;
  /** About how many events it has not read yet; 0 when live. */
  readonly behind: number;
  /** Live: how long the last event took from append to row. Otherwise: how old the last event folded is. In ms. */
  readonly lagMs: number;
  readonly eventsPerSecond: number;
  readonly lastError: string | undefined;
  readonly owner: string | undefined;
  /** A build being made: where it is. */
  readonly rebuild:
    | { readonly build: number; readonly events: number; readonly position: bigint; readonly startedBy: string }
    | undefined;
}

interface StatusRow {
  readonly name: string;
  readonly version: number;
  readonly paused: boolean;
  readonly rolled_back: boolean;
  readonly serving_build: number | null;
  readonly served_version: number | null;
  readonly position: string | null;
  readonly events: string | null;
  readonly live: boolean | null;
  readonly rate: number | null;
  readonly lag_ms: string | null;
  readonly error: string | null;
  readonly owner: string | null;
  readonly parked: number;
  readonly building: number | null;
  readonly building_events: string | null;
  readonly building_position: string | null;
  readonly started_by: string | null;
}

const sql = `
select r.name, r.version, r.paused, r.rolled_back, r.serving_build, b.version as served_version, c.*,
  (select count(distinct scope)::int from annals.parked_event p where p.name = r.name and p.build = r.serving_build) as parked,
  n.build as building, n.started_by, nc.events as building_events, nc.position as building_position
from annals.read_model r
left join annals.read_model_build b on b.name = r.name and b.build = r.serving_build
left join lateral (
  select min(position) as position, min(events) as events, bool_and(live) as live, max(rate) as rate,
    max(extract(epoch from case when live then moved_at - last_event_at else now() - last_event_at end) * 1000) as lag_ms,
    max(error) as error, string_agg(distinct owner, '; ') as owner
  from annals.read_model_checkpoint where name = r.name and build = r.serving_build) c on true
left join annals.read_model_build n on n.name = r.name and n.version = r.version and n.state = 'building'
left join annals.read_model_checkpoint nc on nc.name = n.name and nc.build = n.build
where (r.name, r.version) in (select * from unnest($1::text[], $2::int[]))`;

/** @param head position of the newest event in the store */
export async function statusOf(
  db: Queryable,
  models: readonly AnyReadModel[],
  head: bigint | undefined,
): Promise<ProjectionStatus[]> {
  const { rows } = await db.query<StatusRow>(sql, [
    models.map(({ name }) => name),
    models.map(({ version }) => version),
  ]);
  const byName = new Map(rows.map((row) => [row.name, row]));
  return models.map((model) => toStatus(model, byName.get(model.name), head));
}

function toStatus(
  { name, version }: AnyReadModel,
  row: StatusRow | undefined,
  head: bigint | undefined,
): ProjectionStatus {
  const state = row ? stateOf(row) : 'unknown';
  const position = row?.position == null ? undefined : BigInt(row.position);
  const events = Number(row?.events ?? 0);
  return {
    ...{ name, version, state, position, events },
    build: row?.serving_build ?? undefined,
    servedVersion: row?.served_version ?? undefined,
    parked: row?.parked ?? 0,
    behind: row?.live === true ? 0 : estimateBehind(events, position, head),
    lagMs: Math.max(0, Math.round(Number(row?.lag_ms ?? 0))),
    eventsPerSecond: row?.live === true ? 0 : (row?.rate ?? 0),
    lastError: row?.error ?? undefined,
    owner: row?.owner ?? undefined,
    rebuild:
      row?.building == null
        ? undefined
        : {
            build: row.building,
            events: Number(row.building_events ?? 0),
            position: BigInt(row.building_position ?? -1),
            startedBy: row.started_by ?? '',
          },
  };
}

function stateOf(row: StatusRow): ProjectionState {
  if (row.paused) return 'paused';
  if (row.error !== null) return 'failing';
  if (row.building !== null) return 'rebuilding';
  if (row.rolled_back) return 'rolled-back';
  return row.live === true ? 'live' : 'catching-up';
}

/** Positions have gaps; that events lie as densely ahead as behind is all there is to go by. */
function estimateBehind(events: number, position: bigint | undefined, head: bigint | undefined): number {
  if (position === undefined || head === undefined || head <= position) return 0;
  if (position <= 0n) return Number(head);
  return Math.max(1, Math.round((events / Number(position)) * Number(head - position)));
}
