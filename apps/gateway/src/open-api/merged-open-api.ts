/** Asks the contexts for their OpenAPI documents when somebody looks, not more often than every few seconds. */
import { isCodedError, type Log } from '@annals/core';
import type { ResilientHttp } from '@annals/resilience';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { GatewayRoute } from '../routes.js';
import { merged, type ContextDocument } from './merge.js';

const freshForMs = 10_000;

export interface MergedOpenApiOptions {
  readonly routes: readonly GatewayRoute[];
  readonly clientOf: (context: string) => Pick<ResilientHttp, 'get'>;
  readonly log: Log;
}

export class MergedOpenApi {
  /** The last document of each context: one that is away for a moment stays documented. */
  private readonly known = new Map<string, OpenAPIObject>();
  private askedAt = -Infinity;
  private asking: Promise<void> | undefined;

  constructor(private readonly options: MergedOpenApiOptions) {}

  /** @param own the gateway's own document */
  async document(own: OpenAPIObject): Promise<OpenAPIObject> {
    if (performance.now() - this.askedAt > freshForMs) await (this.asking ??= this.ask());
    const documents: ContextDocument[] = [];
    const missing: string[] = [];
    for (const [context, served] of byContext(this.options.routes)) {
      const document = this.known.get(context);
      if (document) documents.push({ context, document, served });
      else missing.push(context);
    }
    const whole = merged(own, documents);
    if (missing.length === 0) return whole;
    return { ...whole, info: { ...whole.info, description: `Not reachable at present: ${missing.join(', ')}.` } };
  }

  private async ask(): Promise<void> {
    const { routes, clientOf, log } = this.options;
    await Promise.all(
      [...byContext(routes).keys()].map(async (context) => {
        try {
          const document = await clientOf(context).get<OpenAPIObject>('/docs-json', { timeoutMs: 1_000 });
          // Only what is one: a page of another server must not take all documents along.
          if (typeof document?.paths === 'object') this.known.set(context, document);
        } catch (error) {
          log.warn(`The OpenAPI document of ${context} cannot be had.`, {
            reason: isCodedError(error) ? error.code : error,
          });
        }
      }),
    );
    this.askedAt = performance.now();
    this.asking = undefined;
  }
}

function byContext(routes: readonly GatewayRoute[]): Map<string, GatewayRoute[]> {
  const contexts = new Map<string, GatewayRoute[]>();
  for (const route of routes) contexts.set(route.context.name, [...(contexts.get(route.context.name) ?? []), route]);
  return contexts;
}
