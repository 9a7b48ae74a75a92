// Peers in TypeScript are compiled as the apps are, to the same place below dist/, so that they find the apps' files.
import { transformFile } from '@swc/core';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** @returns the compiled main.ts of a peer */
export async function compiled(peer) {
  const [source, output] = [join(import.meta.dirname, peer), join(root, 'dist/bench/peers', peer)];
  mkdirSync(output, { recursive: true });
  for (const file of readdirSync(source).filter((name) => name.endsWith('.ts'))) {
    const options = { cwd: root, configFile: join(root, '.swcrc'), swcrc: false, sourceMaps: false };
    const { code } = await transformFile(join(source, file), options);
    writeFileSync(join(output, file.replace(/\.ts$/, '.js')), code);
  }
  return join(output, 'main.js');
}
