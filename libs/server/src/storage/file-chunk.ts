/**
 * A chunk in a file: a header of 64 bytes, records, and for a scavenged chunk the table of its extents.
 * Bytes are durable when the write returns (O_DSYNC where it exists, else fdatasync). The bytes of the last write are kept
 * in memory, so that live subscribers need no system call.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  write as fsWrite,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { offsetInExtents, type Extents, type WritableChunk } from './chunk.js';

export const CHUNK_HEADER = 64;
const MAGIC = 'ANNALSLG';
export const CHUNK_FORMAT = 1;
const SCAVENGED = 1;
const EXTENT_BYTES = 18;
const SYNCED_WRITES = process.platform === 'linux' ? constants.O_DSYNC : 0;

export interface ChunkHeader {
  readonly start: number;
  /** Scavenged chunks only: where the next chunk begins, the bytes of records and the number of extents. */
  readonly scavenged: { readonly end: number; readonly size: number; readonly extents: number } | undefined;
}

export function encodeHeader({ start, scavenged }: ChunkHeader): Buffer {
  const header = Buffer.alloc(CHUNK_HEADER);
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt16LE(CHUNK_FORMAT, 8);
  header.writeUInt16LE(scavenged ? SCAVENGED : 0, 10);
  header.writeUIntLE(start, 16, 6);
  if (scavenged) {
    header.writeUIntLE(scavenged.end, 24, 6);
    header.writeUIntLE(scavenged.size, 32, 6);
    header.writeUInt32LE(scavenged.extents, 40);
  }
  return header;
}

/** Undefined when these are not the first bytes of a chunk of this format. */
export function decodeHeader(header: Buffer): ChunkHeader | undefined {
  if (
    header.length < CHUNK_HEADER ||
    header.toString('latin1', 0, 8) !== MAGIC ||
    header.readUInt16LE(8) !== CHUNK_FORMAT
  )
    return undefined;
  const start = header.readUIntLE(16, 6);
  if ((header.readUInt16LE(10) & SCAVENGED) === 0) return { start, scavenged: undefined };
  return {
    start,
    scavenged: { end: header.readUIntLE(24, 6), size: header.readUIntLE(32, 6), extents: header.readUInt32LE(40) },
  };
}

export function encodeExtents(extents: Extents): Buffer {
  const table = Buffer.alloc(extents.length * EXTENT_BYTES);
  extents.forEach((extent, i) => extent.forEach((value, j) => table.writeUIntLE(value, i * EXTENT_BYTES + j * 6, 6)));
  return table;
}

function readExtents(file: number, size: number, count: number): Extents {
  const table = Buffer.alloc(count * EXTENT_BYTES);
  readSync(file, table, 0, table.length, CHUNK_HEADER + size);
  return Array.from(
    { length: count },
    (_, i) =>
      [0, 6, 12].map((at) => table.readUIntLE(i * EXTENT_BYTES + at, 6)) as unknown as readonly [
        number,
        number,
        number,
      ],
  );
}

export class FileChunk implements WritableChunk {
  private readonly extents: Extents | undefined;
  private last: { readonly offset: number; readonly bytes: Buffer } | undefined;

  private constructor(
    readonly path: string,
    private readonly file: number,
    private readonly header: ChunkHeader,
    public size: number,
  ) {
    if (header.scavenged) this.extents = readExtents(file, header.scavenged.size, header.scavenged.extents);
  }

  static create(path: string, start: number): FileChunk {
    const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | SYNCED_WRITES, 0o600);
    try {
      writeSync(file, encodeHeader({ start, scavenged: undefined }), 0, CHUNK_HEADER, 0);
      fsyncSync(file);
      syncFolder(dirname(path));
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return new FileChunk(path, file, { start, scavenged: undefined }, 0);
  }

  /** @param size bytes of records, as far as they are known to be whole; ignored for a scavenged chunk */
  static open(path: string, header: ChunkHeader, size: number, writable: boolean): FileChunk {
    const file = openSync(path, writable ? constants.O_RDWR | SYNCED_WRITES : constants.O_RDONLY);
    return new FileChunk(path, file, header, header.scavenged?.size ?? size);
  }

  get isScavenged(): boolean {
    return this.header.scavenged !== undefined;
  }
  get start(): number {
    return this.header.start;
  }
  get end(): number {
    return this.header.scavenged?.end ?? this.header.start + this.size;
  }

  offsetOf(position: number): number {
    if (this.extents) return offsetInExtents(this.extents, position, this.size);
    return Math.min(this.size, Math.max(0, position - this.start));
  }

  read(offset: number, length: number): Buffer {
    const { last } = this;
    if (last && offset >= last.offset) return last.bytes.subarray(offset - last.offset, offset - last.offset + length);
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.size - offset)));
    let done = 0;
    while (done < buffer.length) {
      const count = readSync(this.file, buffer, done, buffer.length - done, CHUNK_HEADER + offset + done);
      if (count === 0) return buffer.subarray(0, done);
      done += count;
    }
    return buffer;
  }

  async append(bytes: Buffer): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) done += await this.write(bytes, done);
      if (SYNCED_WRITES === 0) await this.sync();
    } catch (error) {
      this.cut();
      throw error;
    }
    this.last = { offset: this.size, bytes };
    this.size += bytes.length;
  }

  /** Removes what lies behind the known records; fails silently, because it is only tidying: recovery does the same. */
  cut(): void {
    try {
      ftruncateSync(this.file, CHUNK_HEADER + this.size);
    } catch {
      // the disk is in trouble; the next write goes to the same place anyway
    }
  }

  close(): void {
    closeSync(this.file);
  }

  private write(bytes: Buffer, from: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fsWrite(this.file, bytes, from, bytes.length - from, CHUNK_HEADER + this.size + from, (error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  private sync(): Promise<void> {
    return new Promise((resolve, reject) => fdatasync(this.file, (error) => (error ? reject(error) : resolve())));
  }
}

/** Makes a new or renamed file's name durable. Some systems cannot open a folder for that, and need not. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
