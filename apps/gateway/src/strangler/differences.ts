/** Where two JSON answers differ. Pure; names places, never values: those may be personal. */

/** More places than this are not listed. */
const listed = 20;

/** @returns JSON paths such as `$.lines[0].sku`; empty: they say the same */
export function differences(one: unknown, other: unknown, ignored: ReadonlySet<string> = new Set()): string[] {
  const found: string[] = [];
  compare(one, other, '$', ignored, found);
  return found;
}

function compare(one: unknown, other: unknown, path: string, ignored: ReadonlySet<string>, found: string[]): void {
  if (found.length >= listed || Object.is(one, other)) return;
  if (!isContainer(one) || !isContainer(other) || Array.isArray(one) !== Array.isArray(other)) {
    found.push(path);
    return;
  }
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (ignored.has(key)) continue;
    compare(one[key], other[key], Array.isArray(one) ? `${path}[${key}]` : `${path}.${key}`, ignored, found);
  }
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
