import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '../../test/server-process.js';
import { checkStore, startEventStore } from '../index.js';

describe('the data folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-folder-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = () => startEventStore({ path: folder });
  const refusedAs = (reason: string) => expect.objectContaining({ code: 'SERVER_DATA_FOLDER_REFUSED', reason });
  const logFile = (): string => join(folder, 'log', readdirSync(join(folder, 'log'))[0] ?? '');

  async function write(events: number): Promise<void> {
    const server = await open();
    const client = db.EventStoreDBClient.connectionString(server.url);
    for (let i = 0; i < events; i++)
      await client.appendToStream('order-1', db.jsonEvent({ type: 'Written', data: { i } }));
    await client.dispose();
    await server.close();
  }

  /** Like {@link write}, but ended by a kill: nothing of it is in the index yet. */
  async function writeAndCrash(events: number): Promise<void> {
    const server = await ServerProcess.start({ path: folder });
    const client = db.EventStoreDBClient.connectionString(server.url);
    for (let i = 0; i < events; i++)
      await client.appendToStream('order-1', db.jsonEvent({ type: 'Written', data: { i } }));
    await server.kill();
    await client.dispose();
  }

  async function read(): Promise<number> {
    const server = await open();
    const client = db.EventStoreDBClient.connectionString(server.url);
    let events = 0;
    try {
      for await (const { event } of client.readStream('order-1')) expect(event?.revision).toBe(BigInt(events++));
    } finally {
      await client.dispose();
      await server.close();
    }
    return events;
  }

  const damage = (offset: number): void => {
    const file = openSync(logFile(), 'r+');
    writeSync(file, Buffer.from([0xff, 0x00, 0xff]), 0, 3, offset);
    closeSync(file);
  };

  it('holds what was written over a restart', async () => {
    await write(20);
    expect(await read()).toBe(20);
  });

  it('is refused while another server uses it', async () => {
    const first = await open();
    await expect(open()).rejects.toEqual(refusedAs('in-use'));
    await first.close();
    await (await open()).close();
  });

  it('is refused while a server in another process uses it, and free again when that was killed', async () => {
    const first = await ServerProcess.start({ path: folder });
    await expect(open()).rejects.toEqual(refusedAs('in-use'));
    await first.kill();
    await (await open()).close();
  });

  it('is refused when it holds something else', async () => {
    writeFileSync(join(folder, 'holiday.jpg'), '');
    await expect(open()).rejects.toEqual(refusedAs('foreign'));
  });

  it('is refused when a newer version wrote it', async () => {
    await write(1);
    const manifest = join(folder, 'annals-event-store.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"format":1', '"format":2'));
    await expect(open()).rejects.toEqual(refusedAs('newer-version'));
    await expect(checkStore(folder)).rejects.toEqual(refusedAs('newer-version'));
  });

  it.each([
    ['the manifest is not readable', () => writeFileSync(join(folder, 'annals-event-store.json'), '{')],
    ['the log is shorter than the index says', () => truncateSync(logFile(), 300)],
    ['a log file is something else', () => writeFileSync(logFile(), 'x'.repeat(5000))],
    ['the log is gone', () => rmSync(logFile())],
    ['the index is something else', () => writeFileSync(join(folder, 'index', 'data.mdb'), 'x'.repeat(20_000))],
  ])('is refused as corrupted when %s', async (_, spoil) => {
    await write(20);
    spoil();
    await expect(open()).rejects.toEqual(refusedAs('corrupted'));
    expect((await read().catch((error: unknown) => error)) as Error).toBeInstanceOf(Error);
  });

  it('is refused as corrupted when an event is damaged that others followed', async () => {
    await writeAndCrash(20);
    damage(1000);
    await expect(open()).rejects.toEqual(refusedAs('corrupted'));
    expect(await checkStore(folder)).toMatchObject({ ok: false, faults: [expect.stringContaining('damaged')] });
  });

  it('is checked: damage that the start does not look at is found', async () => {
    await write(20);
    expect(await checkStore(folder)).toMatchObject({ ok: true, events: 20, streams: 1, faults: [] });
    damage(1000);
    const report = await checkStore(folder);
    expect(report.ok).toBe(false);
    expect(report.faults.join()).toContain('damaged');
  });

  it('drops a last append that was torn by a crash, and no other', async () => {
    await writeAndCrash(20);
    truncateSync(logFile(), statSync(logFile()).size - 10);
    expect(await read()).toBe(19);
  });

  it('drops all of a batch of which the end is missing', async () => {
    await writeAndCrash(3);
    const server = await ServerProcess.start({ path: folder });
    const client = db.EventStoreDBClient.connectionString(server.url);
    await client.appendToStream(
      'order-1',
      [1, 2, 3, 4].map((i) => db.jsonEvent({ type: 'Batch', data: { i } })),
    );
    await server.kill();
    await client.dispose();
    truncateSync(logFile(), statSync(logFile()).size - 100);
    expect(await read()).toBe(3);
  });

  it('is opened with the index deleted: that is rebuilt from the log', async () => {
    await write(20);
    rmSync(join(folder, 'index'), { recursive: true });
    expect(await read()).toBe(20);
    expect(await checkStore(folder)).toMatchObject({ ok: true, events: 20 });
  });
});
