/**
 * What EventStoreDB's documentation says of streams, as a model in memory: expected revisions, idempotence, truncation, soft
 * deletion and tombstones. Small on purpose; it shares nothing with the server.
 */
export type Expected = 'any' | 'no_stream' | 'stream_exists' | number;
export type Outcome =
  { revision: number } | { error: 'wrong-expected-version' | 'stream-deleted' | 'stream-not-found' };

interface ModelStream {
  readonly ids: string[];
  tombstoned: boolean;
  deleted: boolean;
  maxCount: number | undefined;
  truncateBefore: number;
  hasMetadata: boolean;
}

export class StreamModel {
  private readonly streams = new Map<string, ModelStream>();

  private stream(name: string): ModelStream {
    const known = this.streams.get(name);
    if (known) return known;
    const fresh: ModelStream = {
      ids: [],
      tombstoned: false,
      deleted: false,
      maxCount: undefined,
      truncateBefore: 0,
      hasMetadata: false,
    };
    this.streams.set(name, fresh);
    return fresh;
  }

  append(name: string, expected: Expected, ids: readonly string[]): Outcome {
    const stream = this.stream(name);
    const head = stream.ids.length - 1;
    if (stream.tombstoned) return { error: 'stream-deleted' };
    if (expected === 'stream_exists' && stream.deleted) return { error: 'stream-deleted' };
    if (expected === 'stream_exists' && head < 0 && !stream.hasMetadata) return { error: 'wrong-expected-version' };
    if (expected === 'any' || expected === 'stream_exists') {
      if (!stream.ids.includes(ids[0] ?? '')) return this.write(stream, ids);
      if (!ids.every((id) => stream.ids.includes(id))) return { error: 'wrong-expected-version' };
      return { revision: stream.ids.indexOf(ids.at(-1) ?? '') };
    }
    const revision = expected === 'no_stream' ? -1 : expected;
    if (revision === head) return this.write(stream, ids);
    if (revision > head) return { error: 'wrong-expected-version' };
    if (ids.every((id, i) => stream.ids[revision + 1 + i] === id)) return { revision: revision + ids.length };
    if (expected === 'no_stream' && stream.deleted && stream.ids[0] !== ids[0]) return this.write(stream, ids);
    return { error: 'wrong-expected-version' };
  }

  private write(stream: ModelStream, ids: readonly string[]): Outcome {
    if (stream.deleted) {
      stream.deleted = false;
      stream.maxCount = undefined;
      stream.truncateBefore = stream.ids.length;
    }
    stream.ids.push(...ids);
    return { revision: stream.ids.length - 1 };
  }

  delete(name: string, expected: Expected): Outcome {
    const stream = this.stream(name);
    const refused = this.refused(stream, expected);
    if (refused) return refused;
    if (stream.ids.length === 0) return { error: 'wrong-expected-version' };
    stream.deleted = true;
    stream.hasMetadata = true;
    stream.maxCount = undefined;
    return { revision: stream.ids.length - 1 };
  }

  tombstone(name: string, expected: Expected): Outcome {
    const stream = this.stream(name);
    const refused = this.refused(stream, expected);
    if (refused) return refused;
    stream.tombstoned = true;
    return { revision: stream.ids.length - 1 };
  }

  private refused(stream: ModelStream, expected: Expected): Outcome | undefined {
    if (stream.tombstoned) return { error: 'stream-deleted' };
    if (typeof expected === 'number' && expected !== stream.ids.length - 1) return { error: 'wrong-expected-version' };
    return undefined;
  }

  setMetadata(name: string, { maxCount, truncateBefore }: { maxCount?: number; truncateBefore?: number }): void {
    const stream = this.stream(name);
    stream.hasMetadata = true;
    stream.maxCount = maxCount;
    stream.truncateBefore = stream.deleted ? stream.ids.length : (truncateBefore ?? 0);
    stream.deleted = false;
  }

  isTombstoned(name: string): boolean {
    return this.stream(name).tombstoned;
  }

  /** The revisions that a read gives, or why it gives none. */
  read(
    name: string,
    backwards: boolean,
    from: number | undefined,
    count: number,
  ): number[] | 'stream-deleted' | 'stream-not-found' {
    const stream = this.stream(name);
    if (stream.tombstoned) return 'stream-deleted';
    if (stream.deleted || stream.ids.length === 0) return 'stream-not-found';
    const first = Math.max(
      stream.truncateBefore,
      stream.maxCount === undefined ? 0 : stream.ids.length - stream.maxCount,
    );
    const readable = stream.ids.map((_, revision) => revision).filter((revision) => revision >= first);
    const ordered = backwards ? readable.reverse() : readable;
    return ordered
      .filter((revision) => from === undefined || (backwards ? revision <= from : revision >= from))
      .slice(0, count);
  }

  idsOf(name: string): readonly string[] {
    return this.stream(name).ids;
  }
}
