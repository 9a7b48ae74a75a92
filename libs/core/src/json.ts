/** Refuses values that `JSON.stringify` would change, drop or fail on, so that what is read back equals what was written. */
import { NotJson } from './errors.js';

/** Where in a value something is that JSON cannot hold. Paths are made only for what is refused. */
interface Offence {
  readonly path: string;
  readonly found: string;
}

/**
 * @param path how the value is called in the error's text, for instance `OrderPlaced.data`
 * @throws NotJson naming the first offending place
 */
export function assertJson(value: unknown, path: string): void {
  const offence = offenceIn(value, []);
  if (offence) throw new NotJson(`${path}${offence.path}`, offence.found);
}

/** @param ancestors what the value is in, so that a cycle is noticed; used as a stack */
function offenceIn(value: unknown, ancestors: object[]): Offence | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { path: '', found: String(value) };
    case 'object':
      return value === null ? undefined : offenceInObject(value, ancestors);
    case 'undefined':
      return { path: '', found: 'undefined' };
    case 'bigint':
    case 'function':
    case 'symbol':
      return { path: '', found: `a ${typeof value}` };
  }
}

function offenceInObject(value: object, ancestors: object[]): Offence | undefined {
  if (ancestors.includes(value)) return { path: '', found: 'a cycle (it contains itself)' };
  ancestors.push(value);
  const offence = Array.isArray(value) ? offenceInArray(value, ancestors) : offenceInProperties(value, ancestors);
  ancestors.pop();
  return offence;
}

function offenceInArray(items: readonly unknown[], ancestors: object[]): Offence | undefined {
  for (let index = 0; index < items.length; index++) {
    const offence = offenceIn(items[index], ancestors);
    if (offence) return { ...offence, path: `[${index}]${offence.path}` };
  }
  return undefined;
}

function offenceInProperties(value: object, ancestors: object[]): Offence | undefined {
  if ('toJSON' in value || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
    return { path: '', found: `a ${value.constructor.name}` };
  for (const key of Object.keys(value)) {
    const offence = offenceIn((value as Record<string, unknown>)[key], ancestors);
    if (offence) return { ...offence, path: `.${key}${offence.path}` };
  }
  return undefined;
}
