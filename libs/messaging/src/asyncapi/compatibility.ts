/**
 * What has changed between two editions of the published language, in words. Both sides check messages: a context that
 * was deployed before refuses what its edition does not allow, and a context of the new edition refuses what was
 * published before and is still on its way. So the shape of a version is fixed once it is published; a new shape is a new
 * version, published beside the old one until nobody needs that.
 */
import type { UnknownProperties } from '../contracts/validation.js';
import type { AsyncApiDocument } from './async-api.js';
import type { JsonSchema } from './json-schema.js';

export interface ContractChange {
  /** The contract's type. */
  readonly contract: string;
  /** Where in the data, for instance `data.lines[].quantity`; `data` for the whole. */
  readonly path: string;
  /** What has changed and what it does, for people. */
  readonly change: string;
  readonly breaking: boolean;
}

export interface CompatibilityOptions {
  /** What consumers do with properties that they do not know; as given to their IntegrationServer. Default 'refuse'. */
  readonly unknownProperties?: UnknownProperties;
}

type Published = { readonly components: Pick<AsyncApiDocument['components'], 'schemas'> };

/** @param before the document that was exported when the contracts were published */
export function contractChanges(
  before: Published,
  now: Published,
  { unknownProperties = 'refuse' }: CompatibilityOptions = {},
): ContractChange[] {
  const old = before.components.schemas;
  const current = now.components.schemas;
  const types = [...new Set([...Object.keys(old), ...Object.keys(current)])].sort();
  return types.flatMap((contract): ContractChange[] => {
    const [was, is] = [old[contract], current[contract]];
    if (!was) return [{ contract, path: 'data', change: 'is new', breaking: false }];
    if (!is)
      return [{ contract, path: 'data', change: 'is gone: those who consume it get nothing any more', breaking: true }];
    return schemaChanges(was, is, 'data', unknownProperties === 'drop').map((change) => ({ contract, ...change }));
  });
}

type Change = Omit<ContractChange, 'contract'>;

const structure = new Set(['properties', 'required', 'items', 'description', 'additionalProperties']);

function schemaChanges(was: JsonSchema, is: JsonSchema, path: string, tolerant: boolean): Change[] {
  const changes = [...keywordChanges(was, is, path)];
  if (was.properties && is.properties) changes.push(...propertyChanges(was, is, path, tolerant));
  if (was.items && is.items) changes.push(...schemaChanges(was.items, is.items, `${path}[]`, tolerant));
  return changes;
}

function* keywordChanges(was: JsonSchema, is: JsonSchema, path: string): Generator<Change> {
  const [old, current] = [was, is] as unknown as [Record<string, unknown>, Record<string, unknown>];
  for (const keyword of [...new Set([...Object.keys(old), ...Object.keys(current)])].sort()) {
    if (structure.has(keyword)) continue;
    const [from, to] = [JSON.stringify(old[keyword]), JSON.stringify(current[keyword])];
    if (from === to) continue;
    const words =
      to === undefined
        ? `no longer has the rule ${keyword} ${from}: consumers of the old edition refuse what it kept out`
        : from === undefined
          ? `has the new rule ${keyword} ${to}: messages already published may break it`
          : `has ${keyword} ${to} in place of ${from}: one side refuses what the other one sends`;
    yield { path, change: words, breaking: true };
  }
}

function* propertyChanges(was: JsonSchema, is: JsonSchema, path: string, tolerant: boolean): Generator<Change> {
  const [old, current] = [was.properties ?? {}, is.properties ?? {}];
  for (const name of [...new Set([...Object.keys(old), ...Object.keys(current)])].sort()) {
    const here = `${path}.${name}`;
    const [before, now] = [old[name], current[name]];
    const [wasRequired, isRequired] = [was.required?.includes(name) ?? false, is.required?.includes(name) ?? false];
    if (!before) yield added(here, isRequired, tolerant);
    else if (!now) yield removed(here, wasRequired, tolerant);
    else {
      if (wasRequired !== isRequired) yield requiredness(here, isRequired);
      yield* schemaChanges(before, now, here, tolerant);
    }
  }
}

function added(path: string, required: boolean, tolerant: boolean): Change {
  if (required) return { path, change: 'is new and required: messages already published lack it', breaking: true };
  return tolerant
    ? { path, change: 'is new and optional', breaking: false }
    : { path, change: 'is new: consumers of the old edition refuse a property that they do not know', breaking: true };
}

function removed(path: string, required: boolean, tolerant: boolean): Change {
  if (required) return { path, change: 'is gone: consumers of the old edition require it', breaking: true };
  return tolerant
    ? { path, change: 'is gone, and was optional', breaking: false }
    : { path, change: 'is gone: messages already published may have it, and are refused now', breaking: true };
}

const requiredness = (path: string, required: boolean): Change =>
  required
    ? { path, change: 'is required now: messages already published may lack it', breaking: true }
    : { path, change: 'is optional now: consumers of the old edition require it', breaking: true };
