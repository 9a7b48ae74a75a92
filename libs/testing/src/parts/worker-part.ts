/** The parts of the Jest worker that this test file runs in. */
import os from 'node:os';
import { resolve } from 'node:path';
import { PartSet, type PartKind } from './part-set.js';
import { askDoor, doorVariable } from './parts-door.js';

/** The URL of this worker's Postgres or nats-server: from the run (see jest-global-setup.ts), else of its own. */
export function workerPart(kind: PartKind): Promise<string> {
  const worker = process.env['JEST_WORKER_ID'] ?? '1';
  const door = process.env[doorVariable];
  return door === undefined ? ownParts().url(kind, worker) : askDoor(door, kind, worker);
}

const ownPartsKey = Symbol.for('annals.testing.parts');

/**
 * Without the global setup, parts that belong to this process and end with it. Jest gives each test file its own globals
 * and modules; Node's built-in modules are all that the files of one worker have in common, so the parts hang there.
 */
function ownParts(): PartSet {
  const common = os as { [ownPartsKey]?: PartSet };
  return (common[ownPartsKey] ??= new PartSet(resolve('.runtime')));
}
