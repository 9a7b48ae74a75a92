/**
 * Freezes the stored shape of every event in a golden file. What was stored once must be readable for ever, so a shape
 * may change only together with its version: an upcaster in the decider, which leads from the frozen shape to the new one.
 * The shapes are those that the compiler sees (`Event('OrderPlaced')<…>`), written out structurally.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { EventRegistry, type EventOwner } from '@annals/core';
import { EventShapesChanged } from './errors.js';

export interface EventShapesOptions {
  /** Source files that declare the events with `Event('…')<…>`. */
  readonly files: readonly string[];
  /** Whose events they are: they know the present versions. */
  readonly owners: readonly EventOwner[];
  /** The golden file (JSON): `{ "OrderPlaced@1": "{ orderId: string; … }" }`. */
  readonly golden: string;
  /** Adds what the golden file does not hold yet; it never changes what it holds. Default: `ANNALS_RECORD_SHAPES=1`. */
  readonly record?: boolean;
}

/** @throws EventShapesChanged saying what differs and how to go on */
export async function checkEventShapes(options: EventShapesOptions): Promise<void> {
  const { files, owners, golden, record = process.env['ANNALS_RECORD_SHAPES'] === '1' } = options;
  const registry = new EventRegistry(owners);
  const { schemas } = registry;
  // The compiler is loaded only by those who need it.
  const { readEventShapes } = await import('./event-shapes-source.js');
  const found = readEventShapes(files);
  const frozen = existsSync(golden) ? (JSON.parse(readFileSync(golden, 'utf8')) as Record<string, string>) : {};
  const problems: string[] = [];
  const added: Record<string, string> = {};
  for (const type of registry.types()) {
    const key = `${type}@${schemas.versionOf(type)}`;
    const [shape, before] = [found.get(type), frozen[key]];
    if (shape === undefined) problems.push(`${type} is registered, but none of the files declares it.`);
    else if (before === undefined) added[key] = shape;
    else if (before !== shape) problems.push(changed(type, schemas.versionOf(type), before, shape));
  }
  const readable = schemas.versions();
  for (const key of Object.keys(frozen)) {
    const [type = '', version = ''] = key.split('@');
    if (Number(version) > (readable.get(type) ?? 0))
      problems.push(
        `${key} is frozen, but can no longer be read: give its decider an alias, an upcaster or a 'retired' entry.`,
      );
  }
  if (!record)
    problems.push(
      ...Object.keys(added).map(
        (key) => `${key} is not frozen yet. If this is how it shall be stored for ever: record it.`,
      ),
    );
  if (problems.length > 0) throw new EventShapesChanged(golden, problems);
  if (record && Object.keys(added).length > 0) {
    const all = Object.entries({ ...frozen, ...added }).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(golden, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`);
  }
}

const changed = (type: string, version: number, before: string, now: string): string =>
  [
    `The shape of ${type} has changed, but its version (${version}) has not.`,
    `      frozen: ${before}`,
    `      now:    ${now}`,
    `    Events stored so far have the frozen shape. Keep it as an interface ${type}V${version}, and lead it to the new one in`,
    `    the decider: upcast: { ${type}: storedAs<…>().upcast(…) }. Only if none was ever stored: delete the line and record.`,
  ].join('\n');
