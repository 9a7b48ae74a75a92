/** Refuses values that `JSON.stringify` would change, drop or fail on, so that what is read back equals what was written. */
import { NotJson } from './errors.js';

/**
 * @param path how the value is called in the error's text, for instance `OrderPlaced.data`
 * @throws NotJson naming the first offending place
 */
export function assertJson(value: unknown, path: string): void {
  check(value, path, new Set());
}

function check(value: unknown, path: string, ancestors: Set<object>): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new NotJson(path, String(value));
      return;
    case 'object':
      if (value !== null) checkObject(value, path, ancestors);
      return;
    case 'undefined':
    case 'bigint':
    case 'function':
    case 'symbol':
      throw new NotJson(path, typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`);
  }
}

function checkObject(value: object, path: string, ancestors: Set<object>): void {
  if (ancestors.has(value)) throw new NotJson(path, 'a cycle (it contains itself)');
  ancestors.add(value);
  if (Array.isArray(value)) {
    value.forEach((item, index) => check(item, `${path}[${index}]`, ancestors));
  } else {
    if ('toJSON' in value || value instanceof Map || value instanceof Set || ArrayBuffer.isView(value))
      throw new NotJson(path, `a ${value.constructor.name}`);
    for (const [key, item] of Object.entries(value)) check(item, `${path}.${key}`, ancestors);
  }
  ancestors.delete(value);
}
