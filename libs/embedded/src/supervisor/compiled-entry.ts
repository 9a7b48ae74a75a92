import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NotBuilt } from '../errors.js';

/**
 * The entry point of a child process, `file` below this package's `dist`: child processes run compiled code, also when
 * their owner runs from source. @throws {NotBuilt}
 */
export function compiledEntry(file: string): string {
  const path = fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));
  if (!existsSync(path)) throw new NotBuilt(path);
  return path;
}
