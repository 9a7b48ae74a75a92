/**
 * Finds an event by its id among the last quarter to half a million of the store: 12 bytes per event, two generations, the older one
 * is dropped when the younger is full. It stores 32 bits of the id and the position; the caller compares the event itself.
 */
const SMALLEST = 1024;

class Generation {
  private hashes = new Uint32Array(SMALLEST);
  private positions = new Float64Array(SMALLEST);
  count = 0;

  add(hash: number, position: number): void {
    if (this.count * 2 >= this.hashes.length) this.grow();
    this.put(hash, position);
    this.count++;
  }

  *find(hash: number): Generator<number> {
    const mask = this.hashes.length - 1;
    for (let slot = hash & mask; this.positions[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.hashes[slot] === hash) yield this.positions[slot] ?? 0;
    }
  }

  private put(hash: number, position: number): void {
    const mask = this.hashes.length - 1;
    let slot = hash & mask;
    while (this.positions[slot] !== 0) slot = (slot + 1) & mask;
    this.hashes[slot] = hash;
    this.positions[slot] = position;
  }

  private grow(): void {
    const { hashes, positions } = this;
    this.hashes = new Uint32Array(hashes.length * 2);
    this.positions = new Float64Array(positions.length * 2);
    for (let slot = 0; slot < hashes.length; slot++) {
      const position = positions[slot] ?? 0;
      if (position !== 0) this.put(hashes[slot] ?? 0, position);
    }
  }
}

export class RecentIds {
  private young = new Generation();
  private old = new Generation();

  constructor(private readonly perGeneration = 256 * 1024) {}

  add(id: string, position: number): void {
    if (this.young.count >= this.perGeneration) {
      this.old = this.young;
      this.young = new Generation();
    }
    this.young.add(hashOf(id), position);
  }

  /** Positions of events that may have this id. */
  *candidates(id: string): Generator<number> {
    const hash = hashOf(id);
    yield* this.old.find(hash);
    yield* this.young.find(hash);
  }
}

/** FNV-1a over the text; ids are random or hashes themselves, but hand-made ones differ in few digits. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
