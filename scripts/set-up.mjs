// What every entry script does first on a fresh clone: check Node, install what package-lock.json says, build.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const wanted = [20, 19];

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  console.error(
    `Annals needs Node ${wanted.join('.')} or newer; this is ${process.versions.node}. Get it from https://nodejs.org.`,
  );
  process.exit(1);
}

const lockedPackages = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {});

/** Whether node_modules holds what package-lock.json says; npm keeps the record of what it installed beside it. */
function isInstalled() {
  const installed = lockedPackages(join(root, 'node_modules', '.package-lock.json'));
  return Object.entries(lockedPackages(join(root, 'package-lock.json'))).every(
    ([path, { version, optional, link }]) =>
      !path.startsWith('node_modules/') || optional || link || installed[path]?.version === version,
  );
}

/** Runs `npm ci` when node_modules is not what package-lock.json says. */
function install(say) {
  if (isInstalled()) return;
  say('Installing dependencies (npm ci; the first time takes a minute or two)');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(
      'npm ci failed. See its output above; behind a proxy or offline, make the npm registry reachable and try again.',
    );
    process.exit(1);
  }
}

/** @param say prints one line of progress */
export async function setUp(say = console.log) {
  checkNode();
  install(say);
  const { build } = await import('./build.mjs');
  const compiled = await build();
  if (compiled > 0) say(`Built ${compiled} files`);
}
