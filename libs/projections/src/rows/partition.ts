/** Which partition a key belongs to. The hash is part of what is stored: never change it. */

/** FNV-1a over UTF-16 code units, 32 bits. */
export function partitionOf(id: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % count;
}
