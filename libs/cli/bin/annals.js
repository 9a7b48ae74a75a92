#!/usr/bin/env node
// The `annals` command. Its code is compiled; this file only says so when it is not.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error('The CLI is not built yet. Run `npm run build` first.');
  process.exit(1);
}
await import(main.href);
