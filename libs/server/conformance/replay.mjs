#!/usr/bin/env node
/* eslint-disable no-control-regex, no-unused-vars */
// Executes traces through @eventstore/db-client and records or checks the normalised answers. See README.md.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const HELP = `node replay.mjs --url esdb://127.0.0.1:2113?tls=false [--check | --record] [--out observed.json] trace.json…
  --check     compare with the recorded answers; exit code 1 when a step differs
  --record    write the observed answers into the trace files
  --mark      with --check: mark the steps that differ as "unstable" in the files
  --skip X    leave out traces that need X (for example --skip projections); may be repeated
  --give-up N stop a trace after N timeouts in a row (default 3)
  --patient   always wait in full (else, after three steps of a trace that waited in vain, its later steps wait 0.6 s)
  --slow      the machine is busy: a step may take 30 s unless it says otherwise
  --times     print the time that each trace took`;

const args = { files: [], skip: [], giveUp: 3 };
for (let i = 2; i < process.argv.length; i++) {
  const a = process.argv[i];
  if (a === '--url') args.url = process.argv[++i];
  else if (a === '--out') args.out = process.argv[++i];
  else if (a === '--skip') args.skip.push(process.argv[++i]);
  else if (a === '--give-up') args.giveUp = Number(process.argv[++i]);
  else if (['--check', '--record', '--mark', '--times', '--patient', '--slow'].includes(a)) args[a.slice(2)] = true;
  else if (a.startsWith('-')) fail(HELP);
  else args.files.push(a);
}
if (!args.url || args.files.length === 0 || (args.check && args.record)) fail(HELP);

const esdb = createRequire(join(process.cwd(), 'package.json'))('@eventstore/db-client');
const { EventStoreDBClient } = esdb;

// The client can throw outside of any call (for example on an answer that it did not ask for). That must not end the
// run: the step it belongs to then times out or differs.
let stray = 0;
for (const name of ['uncaughtException', 'unhandledRejection']) {
  process.on(name, (error) => {
    stray++;
    if (stray <= 5) console.error(`stray error of the client: ${error?.message ?? error}`);
  });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const SLOW_STEP_MS = 30_000;
const LARGE = 2000; // bytes; larger payloads are shown as their hash
const BIG_CLOCK_SKEW = 10 * 60 * 1000;

// ---------------------------------------------------------------------------------------------- values

class Position {
  constructor(value) {
    this.value = value;
  }
}
const integer = (n) => {
  if (typeof n !== 'bigint') return n;
  return n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : `${n}n`;
};
const position = (p) => {
  if (!p) return 'none';
  if (p.commit === p.prepare) return new Position(p.commit);
  return [new Position(p.commit), new Position(p.prepare)];
};
const uuid = (text) => {
  const h = createHash('sha1').update(text).digest('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
};
const isBytes = (x) => x instanceof Uint8Array;
const show = (value) => {
  if (isBytes(value)) {
    const buffer = Buffer.from(value);
    if (buffer.length > LARGE)
      return { bytes: buffer.length, sha256: createHash('sha256').update(buffer).digest('hex') };
    const text = buffer.toString('utf8');
    if (buffer.length === 0 || (Buffer.from(text, 'utf8').equals(buffer) && !/[\u0000-\u001f\ufffd]/.test(text)))
      return { utf8: text };
    return { base64: buffer.toString('base64') };
  }
  const json = JSON.stringify(value);
  if (json !== undefined && json.length > LARGE)
    return { jsonBytes: Buffer.byteLength(json), sha256: createHash('sha256').update(json).digest('hex') };
  return value;
};
const filler = (size, seed = 1) => {
  let x = seed >>> 0 || 1;
  let out = '';
  while (out.length < size) {
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    out += x.toString(36);
  }
  return out.slice(0, size);
};
// A payload of a trace: a plain JSON value, or {"$utf8"|"$base64"|"$fill"|"$bytes"} for the rest.
const payload = (spec) => {
  if (spec && typeof spec === 'object' && !Array.isArray(spec)) {
    if ('$utf8' in spec) return Buffer.from(spec.$utf8, 'utf8');
    if ('$base64' in spec) return Buffer.from(spec.$base64, 'base64');
    if ('$bytes' in spec) return Buffer.from(filler(spec.$bytes, spec.seed), 'latin1');
    if ('$fill' in spec) return { fill: filler(spec.$fill, spec.seed) };
  }
  return spec;
};
const deep = (value, f) => {
  if (typeof value === 'string') return f(value);
  if (Array.isArray(value)) return value.map((v) => deep(v, f));
  if (value && typeof value === 'object' && !(value instanceof Position) && !isBytes(value))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [f(k), deep(v, f)]));
  return value;
};
const sortedJson = (value) =>
  JSON.stringify(value, (_, v) => {
    if (v instanceof Position) return 'p';
    if (v && typeof v === 'object' && !Array.isArray(v))
      return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)));
    return v;
  });
const sameData = (a, b) => {
  if (isBytes(a) || isBytes(b)) return isBytes(a) && isBytes(b) && Buffer.from(a).equals(Buffer.from(b));
  return sortedJson(a) === sortedJson(b);
};

// ---------------------------------------------------------------------------------------------- one run of one trace

class Run {
  constructor(trace) {
    this.trace = trace;
    this.prefix = `t${randomBytes(5).toString('hex')}_`;
    this.saved = new Map();
    this.written = new Map(); // label -> what the trace wrote first under it
    this.labels = new Map(); // uuid -> label
    this.subs = new Map();
    this.clients = new Map();
    this.lastTypes = new Map();
  }
  in(value) {
    return deep(value, (s) => s.replaceAll('{p}', this.prefix));
  }
  out(value) {
    return deep(value, (s) => s.replaceAll(this.prefix, '{p}'));
  }
  client(kind = 'main') {
    let client = this.clients.get(kind);
    if (!client) {
      const glue = args.url.includes('?') ? '&' : '?';
      const extra = kind === 'nothrow' ? '&throwOnAppendFailure=false' : '';
      client = EventStoreDBClient.connectionString(`${args.url}${glue}connectionName=${this.prefix}${kind}${extra}`);
      this.clients.set(kind, client);
    }
    return client;
  }
  id(label) {
    // salted with the run: the server remembers event ids across streams
    const id = uuid(`${this.prefix}/${this.trace.name}/${label}`);
    this.labels.set(id, label);
    return id;
  }
  events(list) {
    return list.map((spec) => {
      const data = 'data' in spec ? payload(spec.data) : {};
      const metadata = payload(spec.metadata);
      const base = { id: this.id(spec.id), type: spec.type ?? 'T', metadata };
      if (!this.written.has(spec.id))
        this.written.set(spec.id, {
          type: base.type,
          data,
          metadata: metadata === null ? undefined : metadata,
          json: !isBytes(data),
        });
      const event = isBytes(data)
        ? esdb.binaryEvent({ ...base, data: new Uint8Array(data) })
        : esdb.jsonEvent({ ...base, data });
      if (isBytes(metadata)) event.metadata = new Uint8Array(metadata);
      return event;
    });
  }
  from(spec, fallback) {
    if (spec === undefined) return fallback;
    if (typeof spec === 'number') return BigInt(spec);
    if (typeof spec === 'string') return /^\d+$/.test(spec) ? BigInt(spec) : spec;
    if ('commit' in spec) return { commit: BigInt(spec.commit), prepare: BigInt(spec.prepare) };
    const saved = this.saved.get(spec.pos);
    if (!saved) throw new Error(`no saved position ${spec.pos}`);
    const add = BigInt(spec.add ?? 0);
    return { commit: saved.commit + add, prepare: saved.prepare + add };
  }
  expected(spec) {
    return typeof spec === 'number' ? BigInt(spec) : spec;
  }
  filter(spec) {
    if (!spec) return undefined;
    const extra = {
      checkpointInterval: spec.checkpointInterval ?? 1,
      ...(spec.window ? { maxSearchWindow: spec.window } : {}),
    };
    if (spec.excludeSystem) return esdb.excludeSystemEvents(extra);
    const make = spec.on === 'type' ? esdb.eventTypeFilter : esdb.streamNameFilter;
    return make({ ...(spec.regex !== undefined ? { regex: spec.regex } : { prefixes: spec.prefixes }), ...extra });
  }

  // ---- normalisation

  error(e) {
    const out = { error: e?.constructor?.name ?? String(e) };
    for (const key of ['type', 'streamName', 'groupName', 'expectedVersion', 'actualVersion', 'maxAppendSize'])
      if (e?.[key] !== undefined) out[key] = integer(e[key]);
    if (typeof e?.code === 'number') out.code = e.code;
    if (out.error === 'Error' || out.error === 'TypeError' || out.error === 'SyntaxError')
      out.message = String(e.message).split('\n')[0];
    return out;
  }
  record(rec, step) {
    const label = this.labels.get(rec.id);
    const out = { id: label ?? '*' };
    if (rec.streamId !== step.stream) out.stream = rec.streamId;
    if (!step.own || rec.streamId.includes(this.prefix)) out.rev = integer(rec.revision); // else it counts other traces too
    if (step.positions !== false) out.pos = position(rec.position);
    const wrote = label === undefined ? undefined : this.written.get(label);
    const all = step.full || !wrote;
    if (all || rec.type !== wrote.type) out.type = rec.type;
    if (all || !sameData(rec.data, wrote.data)) out.data = show(rec.data);
    if (!label && rec.metadata && !isBytes(rec.metadata) && typeof rec.metadata === 'object') {
      // written by the server: keep what depends neither on the log's layout nor on the time
      const { $v, $c, $p, $eventTimestamp, added, ...rest } = rec.metadata;
      if (rest.$causedBy) rest.$causedBy = this.labels.get(rest.$causedBy) ?? '*';
      if (Object.keys(rest).length > 0) out.metadata = rest;
    } else if (all ? rec.metadata !== undefined : !sameData(rec.metadata, wrote.metadata))
      out.metadata = show(rec.metadata) ?? null;
    if (all || rec.isJson !== wrote.json) out.json = rec.isJson;
    if (Math.abs(Date.now() - rec.created.getTime()) > BIG_CLOCK_SKEW) out.created = 'not recent';
    return out;
  }
  resolved(e, step) {
    const out = e.event ? this.record(e.event, step) : { unresolved: true };
    if (e.link) out.link = this.record(e.link, step);
    const original = e.link ?? e.event;
    if (step.positions !== false) {
      if (e.commitPosition === undefined) out.commit = 'none';
      else if (original?.position?.commit !== e.commitPosition) out.commit = new Position(e.commitPosition);
    }
    if (e.retryCount) out.retry = e.retryCount;
    return out;
  }
  own(e, step) {
    const original = e.link ?? e.event;
    if (!original) return false;
    if (step.own)
      // any stream: a link or event that points at, or lies in, a stream of this trace
      return [
        e.event?.streamId,
        e.link?.streamId,
        ...[e.event, e.link].map((r) =>
          r?.type === '$>' || r?.type === '$@' ? Buffer.from(r.data ?? '').toString('utf8') : '',
        ),
      ].some((s) => s?.includes(this.prefix));
    const stream = original.streamId;
    if (stream.startsWith(this.prefix)) return true;
    return (step.keep ?? []).some((k) => stream.startsWith(k) && stream.includes(this.prefix));
  }

  // ---- operations

  async execute(step, expected) {
    const op = this.ops[step.op];
    if (!op) throw new Error(`unknown op ${step.op}`);
    const timeout = step.timeout ?? (args.slow ? SLOW_STEP_MS : 5000);
    const once = async () => {
      let timer;
      const late = new Promise((resolve) => {
        timer = setTimeout(() => resolve({ timeout: true }), timeout + 500);
      });
      try {
        return await Promise.race([op.call(this, step, expected, timeout).catch((e) => this.error(e)), late]);
      } finally {
        clearTimeout(timer);
        if (step.client === 'alone') {
          const client = this.clients.get('alone');
          this.clients.delete('alone');
          await Promise.race([client?.dispose().catch(() => {}), sleep(500)]);
        }
      }
    };
    if (!step.eventually) return once();
    const end = Date.now() + timeout;
    let last = '';
    let same = 0;
    for (;;) {
      const answer = await once();
      if (expected !== undefined) {
        if (equals(expected, tidy(this.out(answer)), this.ranks).length === 0) return answer;
      } else {
        const text = sortedJson(this.out(answer));
        same = text === last ? same + 1 : 0;
        last = text;
        if (same >= 4 && (step.min === undefined || (Array.isArray(answer) && answer.length >= step.min)))
          return answer;
      }
      if (Date.now() > end) return answer;
      await sleep(expected !== undefined ? 60 : 250);
    }
  }
  save(step, value, list) {
    if (typeof step.save === 'string' && value?.position) this.saved.set(step.save, value.position);
    else if (step.save && list)
      for (const [name, index] of Object.entries(step.save)) {
        const e = list.at(index);
        const p = (e?.link ?? e?.event)?.position;
        if (p) this.saved.set(name, p);
      }
  }
  appended(step, result) {
    this.save(step, result);
    const out = { rev: integer(result.nextExpectedRevision), pos: position(result.position) };
    return result.success ? out : { success: false, ...out };
  }
  credentials(step) {
    return step.path === 'classic' ? { credentials: { username: 'admin', password: 'changeit' } } : {};
  }
  async readAllOf(readable, step, timeout) {
    const events = [];
    const timer = setTimeout(() => readable.destroy(Object.assign(new Error('timeout'), { late: true })), timeout);
    try {
      for await (const e of readable) events.push(e);
    } catch (e) {
      if (e.late) return { timeout: true, events: events.length };
      if (events.length === 0) return this.error(e);
      return { events: events.map((x) => this.resolved(x, step)), ...this.error(e) };
    } finally {
      clearTimeout(timer);
    }
    return events;
  }
  listen(step, sub) {
    const state = { sub, log: [], cursor: 0, filled: 0, latest: new Map(), checkpoints: 0, over: false };
    const original = sub._transform;
    sub._transform = function (resp, ...rest) {
      if (resp.hasConfirmation?.() || resp.hasSubscriptionConfirmation?.()) state.log.push('confirmed');
      if (resp.hasCaughtUp?.()) state.log.push('caughtUp');
      if (resp.hasCheckpoint?.()) state.checkpoints++;
      if (resp.hasEvent?.()) state.log.push(null);
      return original.call(this, resp, ...rest);
    };
    sub.on('data', (e) => {
      if (e.event || e.link) {
        while (state.filled < state.log.length && state.log[state.filled] !== null) state.filled++;
        if (state.filled < state.log.length) state.log[state.filled] = { resolved: e };
        for (const r of [e.event, e.link]) if (r) state.latest.set(this.labels.get(r.id) ?? r.id, e);
      }
    });
    sub.on('error', (e) => {
      state.over = true;
      state.log.push(this.error(e));
    });
    sub.on('end', () => {
      state.over = true;
      state.log.push('end');
    });
    this.subs.set(step.sub, state);
    return state;
  }
  visible(state, step, from = state.cursor) {
    const list = state.log.slice(from);
    // (a replayed parked message comes as a link in a stream of the server's own)
    return step.all
      ? list.filter(
          (x) =>
            !x?.resolved ||
            this.own(x.resolved, step) ||
            (state.persistent && x.resolved.event?.streamId.startsWith(this.prefix)),
        )
      : list;
  }
  async collected(state, step, expected, timeout) {
    const started = Date.now();
    const wanted = Array.isArray(expected) ? expected.length : undefined;
    let count = -1;
    let since = Date.now();
    const idle = step.idle ?? (step.op === 'psConnect' ? 1200 : 800);
    for (;;) {
      const seen = this.visible(state, step).filter((x) => x !== null);
      if (seen.length !== count) {
        count = seen.length;
        since = Date.now();
      }
      const quiet = Date.now() - since;
      if (wanted !== undefined) {
        if (count >= wanted && quiet >= (step.settle ?? 120)) break;
      } else if (quiet >= idle && count >= (step.min ?? (step.op === 'collect' ? 0 : 1))) {
        // recording: history ends with caughtUp; a subscription that never says so gets longer
        if (!step.op.startsWith('subscribe') || seen.includes('caughtUp') || quiet >= 2500) break;
      }
      if (state.over && quiet >= 150) break;
      if (Date.now() - started > timeout) break;
      await sleep(10);
    }
    const end = state.log.length;
    const seen = this.visible(state, step).filter((x) => x !== null);
    state.cursor = end;
    let out = seen.map((x) => (x.resolved ? this.resolved(x.resolved, step) : x));
    if (step.orderFree) out = sortFree(out);
    if (step.checkpoints) out.push(state.checkpoints > 0 ? 'checkpoints' : 'no checkpoints');
    return out;
  }
  settings(step) {
    const s = { ...(step.settings ?? {}) };
    if ('startFrom' in s) s.startFrom = this.from(s.startFrom);
    const make =
      step.stream === '$all'
        ? esdb.persistentSubscriptionToAllSettingsFromDefaults
        : esdb.persistentSubscriptionToStreamSettingsFromDefaults;
    return make(s);
  }
  info(i, step) {
    const start = i.settings.startFrom;
    const settings = {
      ...i.settings,
      startFrom: start && typeof start === 'object' ? position(start) : integer(start),
    };
    if (settings.startFrom === undefined) settings.startFrom = 'none';
    const stats = {
      parked: integer(i.stats.parkedMessageCount),
      outstanding: i.stats.outstandingMessagesCount,
      inFlight: i.stats.totalInFlightMessages,
      retryBuffer: i.stats.retryBufferCount,
    };
    if (i.eventSource !== '$all') stats.lastKnown = integer(i.stats.lastKnownEventRevision) ?? 'none';
    if (i.eventSource !== '$all' && step.checkpointed)
      stats.checkpointed = integer(i.stats.lastCheckpointedEventRevision) ?? 'none';
    const connections = i.connections.map((c) => ({
      name: c.connectionName,
      user: c.username,
      slots: c.availableSlots,
      inFlight: c.inFlightMessages,
      total: integer(c.totalItems),
      statistics: c.extraStatistics ? [...c.extraStatistics.keys()].sort() : 'none',
    }));
    const out = { eventSource: i.eventSource, groupName: i.groupName, status: i.status };
    if (step.show?.includes('settings') ?? true) out.settings = settings;
    if (step.show?.includes('stats') ?? true) out.stats = stats;
    if (step.show?.includes('connections') ?? true)
      out.connections = connections.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return out;
  }
  picked(step) {
    const state = this.subs.get(step.sub);
    if (!state) throw new Error(`no subscription ${step.sub}`);
    const events = step.ids === 'all' ? [...new Set(state.latest.values())] : step.ids.map((l) => state.latest.get(l));
    if (events.some((e) => !e))
      throw new Error(`not received: ${step.ids === 'all' ? '' : step.ids.filter((l) => !state.latest.has(l))}`);
    return [state, events];
  }
  get ops() {
    return OPS;
  }
  async close() {
    for (const { sub } of this.subs.values()) {
      try {
        sub.on('error', () => {});
        void sub.unsubscribe().catch(() => {});
      } catch {
        /* never started */
      }
    }
    for (const client of this.clients.values()) await Promise.race([client.dispose().catch(() => {}), sleep(1500)]);
  }
}
const sortFree = (list) => [...list].sort((a, b) => (sortedJson(a) < sortedJson(b) ? -1 : 1));

const OPS = {
  async append(s) {
    return this.appended(
      s,
      await this.client(s.client).appendToStream(s.stream, this.events(s.events), {
        expectedRevision: this.expected(s.expected) ?? 'any',
        ...this.credentials(s),
        ...(s.batchSize ? { batchAppendSize: s.batchSize } : {}),
      }),
    );
  },
  // starts several appends at once; the answers come in the order of the calls
  async appends(s) {
    return Promise.all(s.list.map((a) => OPS.append.call(this, a).catch((e) => this.error(e))));
  },
  async setMetadata(s) {
    return this.appended(
      s,
      await this.client(s.client).setStreamMetadata(s.stream, s.metadata, {
        expectedRevision: this.expected(s.expected) ?? 'any',
        ...this.credentials(s),
      }),
    );
  },
  async getMetadata(s) {
    const m = await this.client().getStreamMetadata(s.stream);
    // the client calls the position of the metadata event "metastreamRevision"
    return {
      metadata: m.metadata === undefined ? 'none' : show(m.metadata),
      pos: m.metastreamRevision === undefined ? 'none' : new Position(m.metastreamRevision),
    };
  },
  async delete(s) {
    const r = await this.client().deleteStream(s.stream, { expectedRevision: this.expected(s.expected) ?? 'any' });
    this.save(s, r);
    return { pos: position(r.position) };
  },
  async tombstone(s) {
    const r = await this.client().tombstoneStream(s.stream, { expectedRevision: this.expected(s.expected) ?? 'any' });
    this.save(s, r);
    return { pos: position(r.position) };
  },
  async read(s, _, timeout) {
    const options = {
      fromRevision: this.from(s.from, s.dir === 'backwards' ? 'end' : 'start'),
      direction: s.dir ?? 'forwards',
      resolveLinkTos: s.resolve ?? false,
    };
    if (s.count !== undefined) options.maxCount = s.count;
    let list = await this.readAllOf(this.client().readStream(s.stream, options), s, timeout);
    if (!Array.isArray(list)) return list;
    if (s.own) list = list.filter((e) => this.own(e, s));
    this.save(s, undefined, list);
    const out = list.map((e) => this.resolved(e, s));
    return s.orderFree ? sortFree(out) : out;
  },
  async readAll(s, _, timeout) {
    const options = {
      fromPosition: this.from(s.from, s.dir === 'backwards' ? 'end' : 'start'),
      direction: s.dir ?? 'forwards',
      resolveLinkTos: s.resolve ?? false,
    };
    if (s.count !== undefined) options.maxCount = s.count;
    let list = await this.readAllOf(this.client().readAll(options), s, timeout);
    if (!Array.isArray(list)) return list;
    list = list.filter((e) => this.own(e, s));
    if (s.take !== undefined) list = list.slice(0, s.take);
    this.save(s, undefined, list);
    const out = list.map((e) => this.resolved(e, s));
    return s.orderFree ? sortFree(out) : out;
  },
  async sleep(s) {
    await sleep(s.ms);
    return 'ok';
  },
  async subscribe(s, expected, timeout) {
    const state = this.listen(
      s,
      this.client().subscribeToStream(s.stream, {
        fromRevision: this.from(s.from, 'start'),
        resolveLinkTos: s.resolve ?? false,
      }),
    );
    return this.collected(state, s, expected, timeout);
  },
  async subscribeAll(s, expected, timeout) {
    const filter = this.filter(s.filter);
    const options = {
      fromPosition: this.from(s.from, 'start'),
      resolveLinkTos: s.resolve ?? false,
      ...(filter ? { filter: { ...filter, checkpointReached: async () => {} } } : {}),
    };
    const state = this.listen(s, this.client().subscribeToAll(options));
    state.all = true;
    return this.collected(state, { ...s, all: true }, expected, timeout);
  },
  async collect(s, expected, timeout) {
    const state = this.subs.get(s.sub);
    if (!state) throw new Error(`no subscription ${s.sub}`);
    return this.collected(state, state.all ? { ...s, all: true } : s, expected, timeout);
  },
  // events of several subscriptions of one group: which, and how many each got, not the order and not who
  async collectMany(s, expected, timeout) {
    const states = s.subs.map((name) => this.subs.get(name));
    const wanted = expected?.events?.length;
    const started = Date.now();
    let count = -1;
    let since = Date.now();
    const pending = () => states.map((st) => this.visible(st, { ...s, all: st.all }).filter((x) => x !== null));
    for (;;) {
      const n = pending().flat().length;
      if (n !== count) {
        count = n;
        since = Date.now();
      }
      const quiet = Date.now() - since;
      if (wanted !== undefined ? count >= wanted && quiet >= 200 : quiet >= (s.idle ?? 800) && count >= (s.min ?? 0))
        break;
      if (Date.now() - started > timeout) break;
      await sleep(10);
    }
    const lists = pending();
    states.forEach((st) => {
      st.cursor = st.log.length;
    });
    return {
      events: sortFree(lists.flat().map((x) => (x.resolved ? this.resolved(x.resolved, s) : x))),
      split: s.split === false ? 'any' : lists.map((l) => l.length).sort((a, b) => b - a),
    };
  },
  async unsubscribe(s) {
    const state = this.subs.get(s.sub);
    if (!state) throw new Error(`no subscription ${s.sub}`);
    this.subs.delete(s.sub);
    await state.sub.unsubscribe();
    await sleep(s.ms ?? 30);
    return 'ok';
  },
  async psCreate(s) {
    const options = s.filter ? { filter: this.filter(s.filter) } : {};
    if (s.stream === '$all') await this.client().createPersistentSubscriptionToAll(s.group, this.settings(s), options);
    else await this.client().createPersistentSubscriptionToStream(s.stream, s.group, this.settings(s));
    return 'ok';
  },
  async psUpdate(s) {
    if (s.stream === '$all') await this.client().updatePersistentSubscriptionToAll(s.group, this.settings(s));
    else await this.client().updatePersistentSubscriptionToStream(s.stream, s.group, this.settings(s));
    return 'ok';
  },
  async psDelete(s) {
    if (s.stream === '$all') await this.client().deletePersistentSubscriptionToAll(s.group);
    else await this.client().deletePersistentSubscriptionToStream(s.stream, s.group);
    return 'ok';
  },
  async psInfo(s) {
    const i =
      s.stream === '$all'
        ? await this.client().getPersistentSubscriptionToAllInfo(s.group)
        : await this.client().getPersistentSubscriptionToStreamInfo(s.stream, s.group);
    return this.info(i, s);
  },
  async psList(s) {
    const list =
      s.stream === undefined
        ? await this.client().listAllPersistentSubscriptions()
        : s.stream === '$all'
          ? await this.client().listPersistentSubscriptionsToAll()
          : await this.client().listPersistentSubscriptionsToStream(s.stream);
    return list
      .filter((i) => `${i.eventSource}/${i.groupName}`.includes(this.prefix))
      .map((i) => ({ eventSource: i.eventSource, groupName: i.groupName, status: i.status }))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  },
  async psReplay(s) {
    const options = s.stopAt === undefined ? {} : { stopAt: s.stopAt };
    if (s.stream === '$all') await this.client().replayParkedMessagesToAll(s.group, options);
    else await this.client().replayParkedMessagesToStream(s.stream, s.group, options);
    return 'ok';
  },
  async psConnect(s, expected, timeout) {
    const options = s.buffer === undefined ? {} : { bufferSize: s.buffer };
    const sub =
      s.stream === '$all'
        ? this.client().subscribeToPersistentSubscriptionToAll(s.group, options)
        : this.client().subscribeToPersistentSubscriptionToStream(s.stream, s.group, options);
    const state = this.listen(s, sub);
    state.all = s.stream === '$all';
    state.persistent = true;
    return this.collected(state, { ...s, all: state.all }, expected, timeout);
  },
  async psAck(s) {
    const [state, events] = this.picked(s);
    await state.sub.ack(...events);
    await sleep(s.ms ?? 20);
    return 'ok';
  },
  async psNack(s) {
    const [state, events] = this.picked(s);
    await state.sub.nack(s.action, s.reason ?? 'because', ...events);
    await sleep(s.ms ?? 20);
    return 'ok';
  },
};

// ---------------------------------------------------------------------------------------------- comparing

// Positions are compared by order only: the pairs (recorded rank, observed value) of all equal steps must be
// isomorphic. A step that differs adds no pairs, so one difference does not spoil the steps after it.
class Ranks {
  constructor() {
    this.pairs = []; // sorted by rank: [rank, value]
  }
  find(list, rank) {
    let lo = 0;
    let hi = list.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (list[mid][0] < rank) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }
  fits(rank, value, extra) {
    for (const list of [this.pairs, extra]) {
      const i = this.find(list, rank);
      if (list[i]?.[0] === rank) {
        if (list[i][1] !== value) return false;
        continue;
      }
      if (i > 0 && list[i - 1][1] >= value) return false;
      if (i < list.length && list[i][1] <= value) return false;
    }
    return true;
  }
  put(list, rank, value) {
    const i = this.find(list, rank);
    if (list[i]?.[0] !== rank) list.splice(i, 0, [rank, value]);
  }
  accept(extra) {
    for (const [rank, value] of extra) this.put(this.pairs, rank, value);
  }
  name(value) {
    let below;
    for (const [rank, v] of this.pairs) {
      if (v === value) return `p${rank}`;
      if (v < value && (below === undefined || rank > below)) below = rank;
    }
    return below === undefined ? 'p?' : `p${below}+`;
  }
}
function equals(expected, observed, ranks, extra = [], path = '') {
  if (observed instanceof Position) {
    const match = typeof expected === 'string' && /^p(\d+)$/.exec(expected);
    if (!match) return [path];
    const rank = Number(match[1]);
    if (!ranks.fits(rank, observed.value, extra)) return [path];
    ranks.put(extra, rank, observed.value);
    return [];
  }
  if (expected === null || observed === null || typeof expected !== 'object' || typeof observed !== 'object')
    return expected === observed ? [] : [path];
  if (Array.isArray(expected) !== Array.isArray(observed)) return [path];
  if (Array.isArray(expected)) {
    if (expected.length !== observed.length) return [`${path}.length ${expected.length} <> ${observed.length}`];
    return expected.flatMap((x, i) => equals(x, observed[i], ranks, extra, `${path}[${i}]`));
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(observed)]);
  return [...keys].flatMap((k) =>
    k in expected && k in observed ? equals(expected[k], observed[k], ranks, extra, `${path}.${k}`) : [`${path}.${k}`],
  );
}
const render = (value, name) => {
  if (value instanceof Position) return name(value.value);
  if (Array.isArray(value)) return value.map((v) => render(v, name));
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, render(v, name)]));
  return value;
};
const allPositions = (value, into) => {
  if (value instanceof Position) into.add(value.value);
  else if (value && typeof value === 'object') for (const v of Object.values(value)) allPositions(v, into);
  return into;
};
const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value, (_, v) => v)));
// undefined members vanish in JSON; do the same to what was observed, keeping Position objects
const tidy = (value) => {
  if (value instanceof Position || value === null || typeof value !== 'object')
    return typeof value === 'bigint' ? integer(value) : value;
  if (Array.isArray(value)) return value.map((v) => (v === undefined ? null : tidy(v)));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => [k, tidy(v)]),
  );
};
const short = (value) => {
  const text = JSON.stringify(value);
  return text === undefined ? 'nothing' : text.length > 1500 ? `${text.slice(0, 1500)}…` : text;
};

// ---------------------------------------------------------------------------------------------- main

function fail(message) {
  console.error(message);
  process.exit(2);
}
function format(trace) {
  const { steps, ...head } = trace;
  const lines = Object.entries(head).map(([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v)},`);
  return `{\n${lines.join('\n')}\n  "steps": [\n${steps.map((s) => `    ${JSON.stringify(s)}`).join(',\n')}\n  ]\n}\n`;
}

let equal = 0;
let different = 0;
let skipped = 0;
let left = 0;
const observedFiles = [];
for (const file of args.files) {
  const trace = JSON.parse(readFileSync(file, 'utf8'));
  if ((trace.needs ?? []).some((n) => args.skip.includes(n))) {
    left++;
    continue;
  }
  const started = Date.now();
  const run = new Run(trace);
  run.ranks = new Ranks();
  const answers = [];
  let late = 0; // steps without any answer, in a row
  let lost = 0; // steps that differ and used up their time
  let changed = false;
  for (const [index, step] of trace.steps.entries()) {
    const { answer: expected, unstable, note, ...spec } = step;
    let observed;
    const began = Date.now();
    if (late >= args.giveUp) observed = { givenUp: true };
    else {
      try {
        if (lost >= 3) spec.timeout = Math.min(spec.timeout ?? 5000, 600);
        observed = tidy(run.out(await run.execute(run.in(spec), args.check && !unstable ? expected : undefined)));
      } catch (e) {
        observed = tidy(run.out(run.error(e)));
      }
      late = observed?.timeout ? late + 1 : 0;
    }
    answers.push(observed);
    if (!args.check) continue;
    if (unstable) {
      skipped++;
      continue;
    }
    const extra = [];
    const where = equals(expected, observed, run.ranks, extra);
    if (where.length === 0) {
      equal++;
      run.ranks.accept(extra);
    } else {
      different++;
      if (!args.patient && Date.now() - began >= 0.9 * (spec.timeout ?? 5000)) lost++;
      console.log(
        `${basename(file)} step ${index + 1} ${step.op}${step.note ? ` (${step.note})` : ''}: differs at ${where.slice(0, 5).join(' ') || 'top'}`,
      );
      console.log(`  op       ${short(spec)}`);
      console.log(`  expected ${short(expected)}`);
      console.log(`  observed ${short(render(observed, (v) => run.ranks.name(v)))}`);
      if (args.mark) {
        step.unstable = true;
        changed = true;
      }
    }
  }
  await run.close();
  const values = [...answers.reduce((into, a) => allPositions(a, into), new Set())].sort((a, b) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  const rank = new Map(values.map((v, i) => [v, i + 1]));
  const ranked = answers.map((a) => plain(render(a, (v) => `p${rank.get(v)}`)));
  observedFiles.push({
    file: basename(file),
    steps: ranked.map((observed, i) => ({ step: i + 1, op: trace.steps[i].op, observed })),
  });
  if (args.record) {
    trace.steps.forEach((s, i) => {
      delete s.answer;
      s.answer = ranked[i] ?? null;
    });
    changed = true;
  }
  if (changed) writeFileSync(file, format(trace));
  if (args.times) console.log(`${basename(file)}: ${trace.steps.length} steps, ${Date.now() - started} ms`);
}
if (args.out) writeFileSync(args.out, `${JSON.stringify(observedFiles, null, 1)}\n`);
const notes = [
  skipped ? `${skipped} unstable skipped` : '',
  left ? `${left} traces left out` : '',
  stray ? `${stray} stray errors of the client` : '',
].filter(Boolean);
if (args.check)
  console.log(`traces: ${equal} steps equal, ${different} different${notes.length ? ` (${notes.join(', ')})` : ''}`);
else
  console.log(
    `traces: ${observedFiles.reduce((n, f) => n + f.steps.length, 0)} steps executed${notes.length ? ` (${notes.join(', ')})` : ''}`,
  );
process.exit(different > 0 ? 1 : 0);
