/** Finds the contexts that a command about read models is for. The maps bring the whole of the apps: loaded when needed. */
import type { ContextMap } from '@annals/nestjs';
import type { Projections } from '@annals/projections';
import type { Invocation } from '../invocation.js';

type Work<Result> = (projections: Projections, map: ContextMap) => Promise<Result>;

/** Runs `work` on the context that owns the read model. @throws UnknownReadModel */
export async function onOwner<Result>(name: string, invocation: Invocation, work: Work<Result>): Promise<Result> {
  const { contextMaps, ownerOf, withProjections } = await import('../contexts/contexts.js');
  const map = ownerOf(name, await contextMaps(invocation));
  return withProjections(map, invocation, (projections) => work(projections, map));
}

/** Runs `work` on the owner of the read model, or, without a name, on one context after the other. @throws UnknownReadModel */
export async function onOwners<Result>(
  name: string | undefined,
  invocation: Invocation,
  work: Work<Result>,
): Promise<Result[]> {
  if (name !== undefined) return [await onOwner(name, invocation, work)];
  const { contextMaps, withProjections } = await import('../contexts/contexts.js');
  const results: Result[] = [];
  for (const map of await contextMaps(invocation))
    if ((map.readModels ?? []).length > 0)
      results.push(await withProjections(map, invocation, (projections) => work(projections, map)));
  return results;
}

/** Runs `work` on all contexts with read models at once, or on the owner of the one; connections stay open until it is done. @throws UnknownReadModel */
export async function onAllOwners<Result>(
  name: string | undefined,
  invocation: Invocation,
  work: (owners: readonly Owner[]) => Promise<Result>,
): Promise<Result> {
  const { contextMaps, ownerOf, withProjections } = await import('../contexts/contexts.js');
  const maps = await contextMaps(invocation);
  const wanted =
    name === undefined ? maps.filter(({ readModels = [] }) => readModels.length > 0) : [ownerOf(name, maps)];
  const open = ([map, ...others]: readonly ContextMap[], opened: readonly Owner[]): Promise<Result> =>
    map
      ? withProjections(map, invocation, (projections) => open(others, [...opened, { projections, map }]))
      : work(opened);
  return open(wanted, []);
}

export interface Owner {
  readonly projections: Projections;
  readonly map: ContextMap;
}
