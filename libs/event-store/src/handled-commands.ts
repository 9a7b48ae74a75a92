/**
 * Which commands a stream already reflects, in a few bytes each, so that a folded state without its events still knows
 * a repeated command (G3). Ids are kept as 32-bit hashes: "no" is certain, "perhaps, and then at this revision" must be
 * looked up in the stream.
 */
export class HandledCommands {
  private readonly revisions = new Map<number, number>();

  /** How many commands are known. */
  get size(): number {
    return this.revisions.size;
  }

  /** @param revision of the command's first event */
  add(commandId: string, revision: number): void {
    const hash = hashOf(commandId);
    if (!this.revisions.has(hash)) this.revisions.set(hash, revision);
  }

  /** Where the command's first event may be; undefined: the command was certainly not handled. */
  find(commandId: string): number | undefined {
    return this.revisions.get(hashOf(commandId));
  }

  /** Eight bytes a command, in base64. */
  encode(): string {
    const pairs = Int32Array.from([...this.revisions].flat());
    return Buffer.from(pairs.buffer).toString('base64');
  }

  /** @throws RangeError when the text was not made by {@link encode} */
  static decode(encoded: string): HandledCommands {
    const bytes = Buffer.from(encoded, 'base64');
    const pairs = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    if (pairs.length % 2 !== 0) throw new RangeError('not pairs');
    const handled = new HandledCommands();
    for (let i = 0; i < pairs.length; i += 2) handled.revisions.set(pairs[i] ?? 0, pairs[i + 1] ?? 0);
    return handled;
  }
}

/** FNV-1a over UTF-16 code units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
