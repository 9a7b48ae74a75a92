/** The bounded contexts of the workspace, by the maps that their compiled modules are registered with. */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { EventStore } from '@annals/event-store';
import { contextMapOf, NotABoundedContext, type ContextMap } from '@annals/nestjs';
import { connectReadDatabase, Projections, UnknownReadModel, type ReadDatabase } from '@annals/projections';
import { AppNotBuilt } from '../errors.js';
import type { Invocation } from '../invocation.js';
import { urlOf } from '../parts/parts.js';
import { openWorkspace, type App } from '../workspace.js';

/** @throws NoWorkspace, AppNotBuilt */
export async function contextMaps(invocation: Invocation): Promise<ContextMap[]> {
  return (await contextModules(invocation)).map(contextMapOf);
}

/** The modules that register a bounded context; an app that is none, such as a gateway, has none. */
export async function contextModules(invocation: Invocation): Promise<ContextModule[]> {
  const modules = await Promise.all(openWorkspace(invocation).apps.map(moduleOf));
  return modules.filter((module) => module !== undefined);
}

/** Undefined for an app that is no bounded context, such as a gateway, or no Nest application at all. */
async function moduleOf({ name, entry, module }: App): Promise<ContextModule | undefined> {
  if (!existsSync(entry)) throw new AppNotBuilt(name, entry);
  if (!existsSync(module)) return undefined;
  const exported = Object.values((await import(pathToFileURL(module).href)) as Record<string, unknown>);
  return exported.filter(isClass).find(isContext);
}

/** As Nest declares it. */
export type ContextModule = Parameters<typeof contextMapOf>[0];

const isClass = (value: unknown): value is ContextModule =>
  typeof value === 'function' && value.prototype !== undefined;

function isContext(module: ContextModule): boolean {
  try {
    contextMapOf(module);
    return true;
  } catch (error) {
    if (error instanceof NotABoundedContext) return false;
    throw error;
  }
}

/** The map of the context that owns a read model. @throws UnknownReadModel */
export function ownerOf(readModel: string, maps: readonly ContextMap[]): ContextMap {
  const owner = maps.find(({ readModels = [] }) => readModels.some(({ name }) => name === readModel));
  if (owner) return owner;
  throw new UnknownReadModel(
    readModel,
    maps.flatMap(({ readModels = [] }) => readModels.map(({ name }) => name)),
  );
}

/** Works on a context's read models, whether its app runs or not, and closes all connections afterwards. */
export async function withProjections<Result>(
  map: ContextMap,
  invocation: Invocation,
  work: (projections: Projections, database: ReadDatabase) => Promise<Result>,
): Promise<Result> {
  const { name: context, readModels = [], deciders } = map;
  const database = await connectReadDatabase({ url: urlOf(invocation, 'DATABASE_URL'), context, readModels });
  const store = new EventStore({ url: urlOf(invocation, 'EVENTSTORE_URL') });
  const feed = store.feed(deciders.map(({ category }) => `${category}-`));
  const projections = new Projections({ database, context, feed, store, readModels });
  try {
    return await work(projections, database);
  } finally {
    await projections.stop();
    await store.close();
    await database.close();
  }
}
