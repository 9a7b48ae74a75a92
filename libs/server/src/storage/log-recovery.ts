/**
 * Opens the log of a folder and finds its end.
 *
 * Only the last group of appends can be torn by a crash: each group is written after the one before it was flushed. So a
 * fault with an intact record of a later group behind it is not a torn write but corruption, and is refused.
 */
import { findChunks, type FolderChunks } from './chunk-folder.js';
import { corrupted } from './data-folder.js';
import { EventRecord, isIntact, recordLengthAt } from './event-record.js';
import { FileChunk } from './file-chunk.js';
import type { IndexCheckpoint } from './lmdb-index-store.js';
import { Log } from './log.js';
import { MARKER_LENGTH } from './record-format.js';

/** How many bytes of the last chunk are whole appends; refuses what cannot come from a torn write. */
export function wholeBytes(path: string, chunk: FileChunk, from: number, lastGroup: number): number {
  const bytes = chunk.read(from, chunk.size - from);
  const base = chunk.start + from;
  let offset = 0;
  let whole = 0;
  let group = lastGroup;
  while (offset < bytes.length && isIntact(bytes, offset)) {
    const record = new EventRecord(bytes, offset);
    if (record.position !== base + offset) break;
    group = record.group;
    offset += record.length;
    if (!record.more) whole = offset;
  }
  if (offset < bytes.length && hasLaterGroup(bytes, offset, base, group))
    throw corrupted(path, `the log is damaged at position ${base + offset}, with intact events behind`);
  return from + whole;
}

/** Whether an intact record behind the fault belongs to a group that was written after the one with the fault. */
function hasLaterGroup(bytes: Buffer, fault: number, base: number, lastGroup: number): boolean {
  for (let offset = fault; offset + MARKER_LENGTH <= bytes.length; offset++) {
    const length = recordLengthAt(bytes, offset);
    if (length < MARKER_LENGTH || offset + length > bytes.length) continue;
    const record = new EventRecord(bytes, offset);
    if (record.position !== base + offset || !isIntact(bytes, offset)) continue;
    if (record.group > lastGroup + 1 || (record.group === lastGroup + 1 && record.beginsGroup && offset > fault))
      return true;
    offset += length - 1;
  }
  return false;
}

export function openLog(path: string, source: FolderChunks, checkpoint: IndexCheckpoint): Log {
  const found = findChunks(path);
  const log = new Log(source);
  const last = found.at(-1);
  const chunks = found.map(({ path: file, header, bytes }, i) => {
    const next = found[i + 1];
    const writable = !next && !header.scavenged;
    return source.track(FileChunk.open(file, header, next ? next.header.start - header.start : bytes, writable));
  });
  const active = last && !last.header.scavenged ? chunks.at(-1) : undefined;
  if (active) {
    const from = Math.max(0, Math.min(active.size, checkpoint.position - active.start));
    active.size = wholeBytes(path, active, from, checkpoint.group);
    active.cut();
  }
  log.adopt(chunks, active);
  return log;
}
