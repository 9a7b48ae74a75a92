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
});
