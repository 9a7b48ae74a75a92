// `npm start`, `npm run infra`: set up, then hand over to the CLI.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './set-up.mjs';

// What is said here goes to stderr: on stdout scripts read what the command prints.
await setUp(console.error);
await import(pathToFileURL(join(root, 'libs/cli/bin/annals.js')).href);
