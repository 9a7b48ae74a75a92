// `npm test`: everything that must hold before a change is done. Jest's arguments may follow: `npm test -- --testPathPatterns libs/core`.
// The last line is `N passed, N failed`: every test, and every check (build, format, lint, types, arrows) as one more.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, setUp } from './set-up.mjs';

const jestArguments = process.argv.slice(2);
const report = join(root, '.runtime', 'jest-report.json');
const bin = (name) => join(root, 'node_modules', '.bin', name);

let passed = 0;
let failed = 0;

function run(command, args, environment = {}) {
  return spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
}

function check(name, command, args) {
  const began = Date.now();
  const ok = run(command, args).status === 0;
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

function tests() {
  mkdirSync(join(root, '.runtime'), { recursive: true });
  rmSync(report, { force: true });
  const node = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
  ];
  const result = run(process.execPath, [...node, '--json', `--outputFile=${report}`, ...jestArguments]);
  try {
    const totals = JSON.parse(readFileSync(report, 'utf8'));
    passed += totals.numPassedTests;
    // A test file that could not even be run is a failure too.
    failed += totals.numFailedTests + totals.numRuntimeErrorTestSuites;
    if (result.status !== 0 && totals.success) failed++;
  } catch (error) {
    console.error(`Jest left no report: ${error.message}`);
    failed++;
  }
}

await setUp();
if (jestArguments.length === 0) {
  check('format', bin('prettier'), ['--check', '--log-level=warn', '.']);
  check('lint', bin('eslint'), ['--max-warnings=0', '.']);
  check('types', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']);
  check('arrows', bin('depcruise'), ['apps', 'libs', 'bench', 'test', '--config', '.dependency-cruiser.cjs']);
}
tests();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
