/**
 * LMDB trusts its file: a damaged page can end the whole process. So a server that stops in order seals the index with its
 * size and checksum, and one that starts checks the seal and breaks it. After a crash there is no seal; then LMDB's own
 * care for a file that was being written has to do. (The log, which is what counts, carries a checksum in every record.)
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const DATA = 'data.mdb';
const SEAL = 'seal.json';
const LMDB_MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const BLOCK = 4 * 1024 * 1024;

interface Seal {
  readonly size: number;
  readonly checksum: number;
}

function measure(file: string): Seal {
  const handle = openSync(file, 'r');
  const block = Buffer.allocUnsafe(BLOCK);
  let checksum = 0;
  let size = 0;
  try {
    for (;;) {
      const count = readSync(handle, block, 0, BLOCK, size);
      if (count === 0) return { size, checksum };
      checksum = crc32(block.subarray(0, count), checksum);
      size += count;
    }
  } finally {
    closeSync(handle);
  }
}

/** To be called when LMDB has closed the file. */
export function sealIndex(folder: string): void {
  const file = join(folder, DATA);
  if (!existsSync(file)) return;
  try {
    writeFileSync(join(folder, SEAL), JSON.stringify(measure(file)), { mode: 0o600, flush: true });
  } catch {
    rmSync(join(folder, SEAL), { force: true }); // a full disk: no seal is better than half of one
  }
}

/** What is wrong with the index, undefined when nothing is. Breaks the seal: from now on the file changes. */
export function breakSeal(folder: string): string | undefined {
  const file = join(folder, DATA);
  const seal = join(folder, SEAL);
  if (!existsSync(file)) {
    rmSync(seal, { force: true });
    return undefined;
  }
  if (!isLmdbFile(file)) return `${DATA} is not an LMDB file`;
  if (!existsSync(seal)) return undefined;
  let expected: Partial<Seal>;
  try {
    expected = JSON.parse(readFileSync(seal, 'utf8')) as Partial<Seal>;
  } catch (error) {
    return `${SEAL} cannot be read (${(error as Error).message})`;
  }
  const found = measure(file);
  if (found.size !== expected.size || found.checksum !== expected.checksum)
    return `${DATA} was changed since the server stopped`;
  rmSync(seal);
  return undefined;
}

function isLmdbFile(file: string): boolean {
  if (statSync(file).size === 0) return true; // LMDB begins anew
  const handle = openSync(file, 'r');
  const head = Buffer.alloc(MAGIC_AT + 4);
  try {
    return readSync(handle, head, 0, head.length, 0) === head.length && head.readUInt32LE(MAGIC_AT) === LMDB_MAGIC;
  } finally {
    closeSync(handle);
  }
}
