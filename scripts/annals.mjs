// `npm start`, `npm run infra`: set up, then hand over to the CLI.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './set-up.mjs';

await setUp();
await import(pathToFileURL(join(root, 'libs/cli/bin/annals.js')).href);
