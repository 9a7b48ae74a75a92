/**
 * Which requests of a route go to the new system (the target) and which stay with the old one (legacy). Pure.
 *
 * A route's `target` is a list of rules; a request that fits one of them goes to the target, all others to legacy. A rule fits
 * when all that it names fits. `[{}]` is everything, `[]` nothing.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Rule {
  /** Beginning of the path, as clients know it; ends at a `/` or the end of the path. */
  readonly prefix?: string;
  /** 0 to 100: this share of customers, always the same ones; who was in stays in when it grows. */
  readonly percentage?: number;
  /** A header that must be there, with this value where one is given. */
  readonly header?: { readonly name: string; readonly value?: string };
  readonly method?: readonly string[];
}

export interface RouteRules {
  readonly target: readonly Rule[];
  /** Reads that legacy answers go to the target as well, and the answers are compared. */
  readonly shadow: boolean;
  /** Names of properties that may differ. */
  readonly ignore: readonly string[];
}

/** By the path of the route. A route that is not named is the target's. */
export type Rules = Readonly<Record<string, RouteRules>>;

export interface Asked {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** What a customer is recognised by. */
  readonly customer: string;
}

export type Side = 'legacy' | 'target';

export const sideOf = (rules: RouteRules | undefined, asked: Asked): Side =>
  rules === undefined || rules.target.some((rule) => fits(rule, asked)) ? 'target' : 'legacy';

function fits({ prefix, percentage, header, method }: Rule, asked: Asked): boolean {
  return (
    (method === undefined || method.includes(asked.method)) &&
    (prefix === undefined || isBelow(asked.path, prefix)) &&
    (header === undefined || hasHeader(asked.headers, header)) &&
    (percentage === undefined || percentileOf(asked.customer) < percentage)
  );
}

const isBelow = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);

function hasHeader(headers: IncomingHttpHeaders, { name, value }: NonNullable<Rule['header']>): boolean {
  const given = headers[name.toLowerCase()];
  return (
    given !== undefined && (value === undefined || given === value || (Array.isArray(given) && given.includes(value)))
  );
}

/** 0 to below 100, in hundredths; the same for the same customer everywhere and always, and even over many. */
export function percentileOf(customer: string): number {
  return (createHash('sha256').update(customer).digest().readUInt32BE() % 10_000) / 100;
}

/** @returns the rules that a document holds, and all that is wrong with it, each with its mend */
export function parseRules(
  document: unknown,
  known: readonly string[],
): { readonly rules: Rules; readonly problems: readonly string[] } {
  const problems: string[] = [];
  if (!isObject(document))
    return { rules: {}, problems: ['It is no object of routes: {"/api/orders": {"target": []}}.'] };
  const rules: Record<string, RouteRules> = {};
  for (const [path, route] of Object.entries(document)) {
    if (!known.includes(path)) problems.push(`${path} is no route with a legacy side. These are: ${known.join(', ')}.`);
    if (!isObject(route)) {
      problems.push(`${path} is no object: {"target": [], "shadow": false}.`);
      continue;
    }
    const { target, shadow = false, ignore = [], ...more } = route;
    for (const name of Object.keys(more))
      problems.push(`${path}: '${name}' is not known; use target, shadow and ignore.`);
    if (typeof shadow !== 'boolean') problems.push(`${path}: shadow is true or false.`);
    if (!Array.isArray(ignore) || !ignore.every((name) => typeof name === 'string'))
      problems.push(`${path}: ignore is a list of names of properties.`);
    if (!Array.isArray(target)) problems.push(`${path}: target is a list of rules; [] is none, [{}] everything.`);
    const list = (Array.isArray(target) ? target : []) as unknown[];
    problems.push(
      ...list.flatMap((rule, index) => ruleProblems(rule).map((problem) => `${path}: target[${index}]: ${problem}`)),
    );
    rules[path] = { target: list as Rule[], shadow: shadow === true, ignore: ignore as string[] };
  }
  return { rules, problems };
}

function ruleProblems(rule: unknown): string[] {
  if (!isObject(rule)) return ['a rule is an object.'];
  const { prefix, percentage, header, method, ...more } = rule;
  const problems = Object.keys(more).map((name) => `'${name}' is not known; use prefix, percentage, header, method.`);
  if (prefix !== undefined && !(typeof prefix === 'string' && prefix.startsWith('/')))
    problems.push('prefix is a path that begins with /.');
  if (percentage !== undefined && !(typeof percentage === 'number' && percentage >= 0 && percentage <= 100))
    problems.push('percentage is a number from 0 to 100.');
  if (header !== undefined && !isHeaderCondition(header))
    problems.push('header is {"name": "x-beta"}, with a "value" where it must have one.');
  if (method !== undefined && !(Array.isArray(method) && method.every((each) => /^[A-Z]+$/.test(String(each)))))
    problems.push('method is a list such as ["GET", "POST"].');
  return problems;
}

const isHeaderCondition = (header: unknown): boolean =>
  isObject(header) && typeof header['name'] === 'string' && ['string', 'undefined'].includes(typeof header['value']);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
