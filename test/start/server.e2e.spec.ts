import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStore } from '@annals/event-store';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Place } from './annals-command.js';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.leave(), 40_000);

/** Appends one event and gives the revisions in the stream afterwards. */
async function appendOne(url: string): Promise<number[]> {
  const store = new EventStore({ url });
  try {
    await store.streams.append(
      'note-1',
      [{ id: randomUUID(), event: { type: 'Noted', data: {} }, metadata: {} }],
      'any',
    );
    return (await store.streams.readToEnd('note-1')).map(({ at }) => at.revision);
  } finally {
    await store.close();
  }
}

const serving = /^(esdb:\/\/\S+)\n/;

describe('annals server start', () => {
  it('prints its URL on stdout when it serves, and ends when it is asked to', async () => {
    const server = place.run(['server', 'start', '--memory', '--port', '0']);
    const [, url = ''] = await server.says(serving);
    expect(await appendOne(url)).toEqual([0]);
    server.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0, stdout: `${url}\n` });
    expect(place.processes()).toEqual([]);
  }, 60_000);

  it('keeps its events in the folder that is given', async () => {
    for (const revisions of [[0], [0, 1]]) {
      const server = place.run(['server', 'start', '--db', join(place.runtime, 'events'), '--port', '0']);
      const [, url = ''] = await server.says(serving);
      expect(await appendOne(url)).toEqual(revisions);
      server.kill('SIGINT');
      expect(await server.ended).toMatchObject({ code: 0 });
    }
  }, 60_000);

  it('has its data checked when it is stopped, and moved to another store', async () => {
    const db = join(place.runtime, 'events');
    const source = place.run(['server', 'start', '--db', db, '--port', '0']);
    const [, from = ''] = await source.says(serving);
    await appendOne(from);
    await appendOne(from);
    const file = join(place.runtime, 'export.ndjson');
    const exported = await place.run(['server', 'export', '--url', from, '--output', file, '--json']).ended;
    expect(exported).toMatchObject({ code: 0 });
    expect(JSON.parse(exported.stdout)).toMatchObject({ events: 2 });
    expect(await place.run(['server', 'check', '--db', db]).ended).toMatchObject({ code: 1 }); // it is in use
    source.kill('SIGTERM');
    await source.ended;
    const checked = await place.run(['server', 'check', '--db', db, '--json']).ended;
    expect(checked).toMatchObject({ code: 0 });
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, events: 2, faults: [] });

    const target = place.run(['server', 'start', '--memory', '--port', '0']);
    const [, to = ''] = await target.says(serving);
    for (let round = 0; round < 2; round++)
      expect(await place.run(['server', 'import', file, '--url', to]).ended).toMatchObject({
        code: 0,
        stdout: '2 events imported\n',
      });
    expect(await appendOne(to)).toEqual([0, 1, 2]);
  }, 120_000);

  it('fails with what is wrong when a file to import is not there', async () => {
    const { code, stderr } = await place.run(['server', 'import', join(place.runtime, 'none.ndjson')]).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('ENOENT');
  }, 60_000);
});
