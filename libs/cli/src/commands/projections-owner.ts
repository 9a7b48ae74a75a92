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
