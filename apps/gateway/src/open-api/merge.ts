/** The OpenAPI documents of all contexts as one, with the paths that clients use. Pure. */
import type { OpenAPIObject } from '@nestjs/swagger';

export interface ContextDocument {
  readonly context: string;
  readonly document: OpenAPIObject;
  /** Where the gateway serves what the context has at a path: `/orders` at `/api/orders`. */
  readonly served: readonly { readonly path: string; readonly at: string }[];
}

/**
 * What is reachable through the gateway, and nothing else. Components are called after their context (`orders.Money`), so that two
 * contexts may call different things the same.
 * @param own the gateway's own routes
 */
export function merged(own: OpenAPIObject, documents: readonly ContextDocument[]): OpenAPIObject {
  const paths = { ...own.paths };
  const schemas = { ...own.components?.schemas };
  const tags = [...(own.tags ?? [])];
  for (const { context, document, served } of documents) {
    const renamed = withOwnNames(document, context);
    for (const [path, item] of Object.entries(renamed.paths)) {
      const place = served.find(({ at }) => path === at || path.startsWith(`${at}/`));
      if (place) paths[place.path + path.slice(place.at.length)] = item;
    }
    for (const [name, schema] of Object.entries(renamed.components?.schemas ?? {}))
      schemas[`${context}.${name}`] = schema;
    tags.push(...(document.tags ?? []));
  }
  return { ...own, tags, paths, components: { ...own.components, schemas } };
}

/** Every reference to a component with the context before its name. */
function withOwnNames(document: OpenAPIObject, context: string): OpenAPIObject {
  const prefix = '#/components/schemas/';
  return JSON.parse(JSON.stringify(document), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith(prefix)
      ? `${prefix}${context}.${value.slice(prefix.length)}`
      : value,
  ) as OpenAPIObject;
}
