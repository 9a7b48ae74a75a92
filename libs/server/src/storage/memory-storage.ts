/** A store that lives in memory only: for tests, and for trying things out. */
import { MemoryChunk, type Chunk } from './chunk.js';
import type { EventRecord } from './event-record.js';
import { NoIndexStore } from './index-store.js';
import { Log, type ChunkSource } from './log.js';

const CHUNK_SIZE = 4 * 1024 * 1024;

class MemoryChunks implements ChunkSource {
  readonly chunkSize = CHUNK_SIZE;

  create(start: number): MemoryChunk {
    return new MemoryChunk(start);
  }

  rewrite(old: Chunk, records: Iterable<EventRecord>): Promise<Chunk> {
    const extents: [number, number, number][] = [];
    const kept = new MemoryChunk(old.start, extents, old.end);
    for (const record of records) {
      const { position, length } = record;
      const last = extents.at(-1);
      if (last && last[0] + last[2] === position) last[2] += length;
      else extents.push([position, kept.size, length]);
      kept.add(record.buffer.subarray(record.offset, record.offset + length));
    }
    return Promise.resolve(kept);
  }

  close(): void {
    // nothing is held but memory
  }
}

export const memoryStorage = (): { log: Log; indexStore: NoIndexStore } => ({
  log: new Log(new MemoryChunks()),
  indexStore: new NoIndexStore(),
});
