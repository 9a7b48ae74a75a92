/** The chunks of the log as files of a folder, each named after the position of its first record. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Chunk } from './chunk.js';
import { corrupted, logFolder } from './data-folder.js';
import type { EventRecord } from './event-record.js';
import {
  CHUNK_HEADER,
  decodeHeader,
  encodeExtents,
  encodeHeader,
  FileChunk,
  syncFolder,
  type ChunkHeader,
} from './file-chunk.js';
import { FIRST_POSITION, type ChunkSource } from './log.js';

const CHUNK_SIZE = 32 * 1024 * 1024;

const fileName = (start: number): string => `${String(start).padStart(16, '0')}.log`;

export class FolderChunks implements ChunkSource {
  private readonly open = new Set<FileChunk>();

  constructor(
    private readonly folder: string,
    readonly chunkSize = CHUNK_SIZE,
  ) {}

  create(start: number): FileChunk {
    return this.track(FileChunk.create(join(this.folder, fileName(start)), start));
  }

  track(chunk: FileChunk): FileChunk {
    this.open.add(chunk);
    return chunk;
  }

  /** Writes the kept records to a new file, makes it durable and puts it in the place of the old one. */
  async rewrite(old: Chunk, records: Iterable<EventRecord>): Promise<Chunk> {
    const path = join(this.folder, fileName(old.start));
    const file = openSync(`${path}.scavenged`, 'w', 0o600);
    const extents: [number, number, number][] = [];
    let size = 0;
    try {
      for (const record of records) {
        const { position, length } = record;
        const last = extents.at(-1);
        if (last && last[0] + last[2] === position) last[2] += length;
        else extents.push([position, size, length]);
        writeSync(file, record.buffer, record.offset, length, CHUNK_HEADER + size);
        size += length;
        if (extents.length % 512 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const table = encodeExtents(extents);
      writeSync(file, table, 0, table.length, CHUNK_HEADER + size);
      const header: ChunkHeader = { start: old.start, scavenged: { end: old.end, size, extents: extents.length } };
      writeSync(file, encodeHeader(header), 0, CHUNK_HEADER, 0);
      fsyncSync(file);
    } catch (error) {
      rmSync(`${path}.scavenged`, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.scavenged`, path);
    syncFolder(this.folder);
    const header: ChunkHeader = { start: old.start, scavenged: { end: old.end, size, extents: extents.length } };
    const chunk = this.track(FileChunk.open(path, header, size, false));
    if (old instanceof FileChunk && this.open.delete(old)) old.close();
    return chunk;
  }

  close(): void {
    for (const chunk of this.open) chunk.close();
    this.open.clear();
  }
}

interface FoundChunk {
  readonly path: string;
  readonly header: ChunkHeader;
  /** Bytes in the file behind the header. */
  readonly bytes: number;
}

/** All chunk files in the order of their positions, checked to follow on one another. */
export function findChunks(path: string): FoundChunk[] {
  const folder = logFolder(path);
  const found: FoundChunk[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.scavenged'))
      rmSync(join(folder, name), { force: true }); // a scavenge that did not finish
    else if (name.endsWith('.log')) found.push(readChunk(path, join(folder, name)));
  }
  let expected = FIRST_POSITION;
  found.forEach((chunk, i) => {
    if (chunk.header.start !== expected)
      throw corrupted(path, `the log has no file that begins at position ${expected}`);
    const next = found[i + 1];
    const end = chunk.header.scavenged?.end ?? next?.header.start ?? chunk.header.start + chunk.bytes;
    const needed = chunk.header.scavenged ? chunk.header.scavenged.size : next ? end - chunk.header.start : 0;
    if (chunk.bytes < needed) throw corrupted(path, `${basename(chunk.path)} is shorter than it must be`);
    expected = end;
  });
  return found;
}

function readChunk(path: string, file: string): FoundChunk {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(CHUNK_HEADER);
    const count = readSync(handle, bytes, 0, CHUNK_HEADER, 0);
    const header = decodeHeader(bytes.subarray(0, count));
    if (header && fileName(header.start) === basename(file))
      return { path: file, header, bytes: statSync(file).size - CHUNK_HEADER };
    throw corrupted(path, `${basename(file)} is not a file of the log`);
  } finally {
    closeSync(handle);
  }
}
