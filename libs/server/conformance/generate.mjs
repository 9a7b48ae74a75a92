#!/usr/bin/env node
/* eslint-disable no-control-regex */
// Writes a random trace (no answers yet): node generate.mjs --seed N [--steps 200] [--out file.json]
// The same seed gives the same trace. Record its answers with replay.mjs --record.
import { writeFileSync } from 'node:fs';

const option = (name, fallback) => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? fallback : process.argv[i + 1];
};
const seed = Number(option('seed', 1));
const wanted = Number(option('steps', 200));
const out = option('out', `generated-${seed}.json`);

let state = (seed * 2654435761 + 12345) >>> 0;
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const int = (n) => Math.floor(random() * n);
const chance = (p) => random() < p;
const pick = (list) => list[int(list.length)];
const weighted = (table) => {
  let x = random() * table.reduce((sum, [w]) => sum + w, 0);
  for (const [w, value] of table) if ((x -= w) < 0) return value;
  return table[0][1];
};

const steps = [];
const add = (step) => steps.push(step);
let ids = 0;
let names = 0;
let tombstones = 0;
// what is believed of each stream: only used to choose interesting values
const streams = Object.fromEntries(
  ['cart-1', 'cart-2', 'order-7', 'note', 'über-1', 'log'].map((n) => [n, { rev: -1, gone: false, past: [] }]),
);
const positions = ['P0'];
const stream = () => pick(Object.keys(streams));
const existing = () => {
  const list = Object.keys(streams).filter((n) => streams[n].rev >= 0 && !streams[n].gone);
  return list.length > 0 ? pick(list) : undefined;
};
const S = (n) => `{p}${n}`;
const path = () => (chance(0.35) ? { path: 'classic' } : {});
const event = () => {
  const e = { id: `e${ids++}` };
  const kind = int(10);
  if (kind < 6) e.data = { n: ids, t: pick(['a', 'ß', '']) };
  else if (kind < 7) e.data = { $base64: Buffer.from([int(256), 0, int(256)]).toString('base64') };
  else if (kind < 8) e.data = {};
  else if (kind < 9) e.data = [int(5), null];
  else e.data = { $utf8: `text ${int(100)}` };
  if (chance(0.4)) e.type = pick(['{p}Added', '{p}Removed', 'Renamed', 'x y']);
  if (chance(0.3)) e.metadata = pick([{}, { $correlationId: `{p}c${int(3)}` }, { k: int(9) }]);
  return e;
};
const revision = (s) =>
  weighted([
    [45, 'any'],
    [22, s.rev < 0 ? 'no_stream' : s.rev],
    [9, 'no_stream'],
    [9, 'stream_exists'],
    [8, int(4)],
    [7, Math.max(0, s.rev + pick([-1, 1, 3]))],
  ]);

const actions = {
  append() {
    const n = stream();
    const s = streams[n];
    const events = Array.from(
      {
        length: weighted([
          [60, 1],
          [25, 2],
          [10, 3],
          [5, 7],
        ]),
      },
      event,
    );
    const expected = revision(s);
    const step = { op: 'append', stream: S(n), events, expected, ...path() };
    const fine =
      !s.gone &&
      (expected === 'any' ||
        expected === s.rev ||
        (expected === 'no_stream' && s.rev < 0) ||
        (expected === 'stream_exists' && s.rev >= 0));
    if (fine) {
      s.past.push({ events, expected });
      s.rev += events.length;
      if (expected === 'any' && chance(0.3)) positions.push((step.save = `P${positions.length}`));
    }
    add(step);
  },
  again() {
    const n = stream();
    const s = streams[n];
    if (s.past.length === 0) return;
    const { events, expected } = pick(s.past);
    // not in reverse order: with "any" the real server then gives no answer at all
    const list = weighted([
      [60, events],
      [15, events.slice(0, 1)],
      [10, events.slice(-1)],
      [8, events.filter((_, i) => i !== 1)],
      [7, [...events, event()]],
    ]);
    add({
      op: 'append',
      stream: S(n),
      events: list,
      expected: weighted([
        [60, expected],
        [20, 'any'],
        [20, revision(s)],
      ]),
      ...path(),
      note: 'known events',
    });
    add({ op: 'read', stream: S(n), dir: 'backwards', count: 4 });
  },
  read() {
    const n = chance(0.06) ? `missing${int(3)}` : chance(0.12) ? 'links' : stream();
    const s = streams[n] ?? { rev: 3 };
    const step = { op: 'read', stream: S(n), dir: pick(['forwards', 'backwards']) };
    if (chance(0.6))
      step.from = weighted([
        [15, 'start'],
        [15, 'end'],
        [55, int(Math.max(1, s.rev + 2))],
        [15, s.rev + 1 + int(4)],
      ]);
    if (typeof step.from === 'number') step.from = Math.max(0, step.from);
    if (chance(0.75)) step.count = 1 + int(5);
    if (n === 'links' || chance(0.15)) step.resolve = chance(0.7);
    if (chance(0.15)) step.full = true;
    add(step);
  },
  metadata() {
    const n = stream();
    const s = streams[n];
    const metadata = weighted([
      [25, { maxCount: 1 + int(6) }],
      [25, { truncateBefore: int(Math.max(1, s.rev + 3)) }],
      [15, { maxCount: 3, truncateBefore: int(4) }],
      [15, {}],
      [20, { custom: { k: int(5) }, cacheControl: int(9) }],
    ]);
    add({
      op: 'setMetadata',
      stream: S(n),
      metadata,
      expected: weighted([
        [80, 'any'],
        [10, 'no_stream'],
        [10, int(3)],
      ]),
      ...path(),
    });
    if (chance(0.6)) add({ op: 'read', stream: S(n), count: 5 });
  },
  getMetadata() {
    add({ op: 'getMetadata', stream: S(chance(0.1) ? 'missing0' : stream()) });
  },
  metadataStream() {
    add({ op: 'read', stream: `$\${p}${stream()}`, full: true, dir: pick(['forwards', 'backwards']), count: 3 });
  },
  delete() {
    const n = stream();
    const s = streams[n];
    add({
      op: 'delete',
      stream: S(n),
      expected: weighted([
        [60, 'any'],
        [25, Math.max(0, s.rev)],
        [15, int(4)],
      ]),
    });
    add({ op: 'read', stream: S(n), count: 3 });
  },
  tombstone() {
    if (tombstones >= 2) return;
    const n = stream();
    const s = streams[n];
    if (/[^\x00-\x7f]/.test(n)) return; // the real server cannot say such names in its error trailers
    const expected = weighted([
      [50, 'any'],
      [30, Math.max(0, s.rev)],
      [20, int(6)],
    ]);
    if (expected === 'any' || expected === s.rev) {
      s.gone = true;
      tombstones++;
    }
    add({ op: 'tombstone', stream: S(n), expected });
    add({ op: 'read', stream: S(n), count: 2 });
  },
  link() {
    const n = stream();
    add({
      op: 'append',
      stream: S('links'),
      events: [{ id: `l${ids++}`, type: '$>', data: { $utf8: `${int(Math.max(1, streams[n].rev + 2))}@${S(n)}` } }],
    });
    if (chance(0.5)) add({ op: 'read', stream: S('links'), dir: 'backwards', count: 2, resolve: true });
  },
  all() {
    const step = {
      op: 'readAll',
      from: { pos: pick(positions) },
      dir: pick(['forwards', 'backwards']),
      take: 1 + int(5),
    };
    if (chance(0.3)) step.keep = ['$${p}'];
    if (chance(0.3)) step.resolve = true;
    if (step.dir === 'forwards' && chance(0.3)) Object.assign(step, { count: 1 });
    add(step);
  },
  subscribe() {
    const n = existing();
    if (!n) return;
    const s = streams[n];
    const sub = `s${names++}`;
    add({
      op: 'subscribe',
      sub,
      stream: S(n),
      from: weighted([
        [35, 'start'],
        [25, 'end'],
        [40, Math.max(0, s.rev - int(4))],
      ]),
    });
    actions.append();
    const events = Array.from({ length: 1 + int(2) }, event);
    add({ op: 'append', stream: S(n), events });
    s.past.push({ events, expected: 'any' });
    s.rev += events.length;
    add({ op: 'collect', sub });
    add({ op: 'unsubscribe', sub });
  },
  subscribeAll() {
    const sub = `s${names++}`;
    const filter = pick([
      { on: 'stream', prefixes: ['{p}cart'] },
      { on: 'stream', regex: '^{p}(note|log|order)' },
      { on: 'type', prefixes: ['{p}'] },
      { on: 'type', regex: '^{p}R' },
      { on: 'stream', prefixes: ['{p}links', '{p}ü'] },
    ]);
    add({
      op: 'subscribeAll',
      sub,
      from: chance(0.8) ? { pos: pick(positions) } : 'end',
      filter,
      resolve: chance(0.3),
    });
    actions.append();
    actions.append();
    add({ op: 'collect', sub });
    add({ op: 'unsubscribe', sub });
  },
  persistent() {
    const n = existing();
    if (!n || groups >= 3) return;
    groups++;
    const s = streams[n];
    const group = `{p}g${names}`;
    const sub = `p${names++}`;
    const events = Array.from({ length: 3 }, event);
    add({
      op: 'psCreate',
      stream: S(n),
      group,
      settings: {
        startFrom: 'end',
        maxRetryCount: 1 + int(3),
        consumerStrategyName: pick(['RoundRobin', 'DispatchToSingle', 'Pinned']),
      },
    });
    add({ op: 'psConnect', sub, stream: S(n), group, buffer: 5 });
    add({ op: 'append', stream: S(n), events });
    s.past.push({ events, expected: 'any' });
    s.rev += 3;
    add({ op: 'collect', sub });
    add({ op: 'psAck', sub, ids: [events[0].id] });
    const action = pick(['park', 'skip', 'retry']);
    add({ op: 'psNack', sub, ids: [events[1].id], action });
    add({ op: 'collect', sub });
    add({ op: 'psInfo', stream: S(n), group, show: ['stats', 'settings'], eventually: true, timeout: 8000 });
    if (action === 'park') {
      add({ op: 'psReplay', stream: S(n), group });
      add({ op: 'collect', sub, min: 1 });
      add({ op: 'psAck', sub, ids: [events[1].id, events[2].id] });
      add({ op: 'psInfo', stream: S(n), group, show: ['stats'], eventually: true, timeout: 8000 });
    }
    add({ op: 'unsubscribe', sub });
    add({ op: 'psDelete', stream: S(n), group });
  },
};
let groups = 0;
add({ op: 'append', stream: S('first'), events: [event()], expected: 'no_stream', save: 'P0' });
while (steps.length < wanted) {
  actions[
    weighted([
      [34, 'append'],
      [9, 'again'],
      [22, 'read'],
      [5, 'metadata'],
      [4, 'getMetadata'],
      [3, 'metadataStream'],
      [3, 'delete'],
      [0.7, 'tombstone'],
      [5, 'link'],
      [5, 'all'],
      [2.2, 'subscribe'],
      [1.6, 'subscribeAll'],
      [1, 'persistent'],
    ])
  ]();
}
const head = { format: 1, name: `generated-${seed}`, about: `generated with seed ${seed}` };
const lines = Object.entries(head).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)},`);
writeFileSync(
  out,
  `{\n${lines.join('\n')}\n  "steps": [\n${steps.map((s) => `    ${JSON.stringify(s)}`).join(',\n')}\n  ]\n}\n`,
);
console.log(`${out}: ${steps.length} steps`);
