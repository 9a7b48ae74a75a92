/** The shadows of all routes that have a legacy side. */
import type { Log } from '@annals/core';
import type { ResilientHttp } from '@annals/resilience';
import type { GatewayRoute } from '../routes.js';
import { Shadow, type ShadowCounters } from './shadow.js';

export class Shadows {
  private readonly byPath: ReadonlyMap<string, Shadow>;

  constructor(routes: readonly GatewayRoute[], clientOf: (context: string) => ResilientHttp, log: Log) {
    const strangled = routes.filter(({ legacy }) => legacy?.settings.url !== undefined);
    this.byPath = new Map(strangled.map(({ path, context }) => [path, new Shadow(clientOf(context.name), log)]));
  }

  of({ path }: GatewayRoute): Shadow | undefined {
    return this.byPath.get(path);
  }

  counters(): Record<string, ShadowCounters> {
    return Object.fromEntries([...this.byPath].map(([path, shadow]) => [path, shadow.counters()]));
  }
}
