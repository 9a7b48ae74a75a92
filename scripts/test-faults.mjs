// `npm run test:faults [-- --seed N --minutes N --orders N --transport nats|eventstore]`: the whole shop under faults.
// Without --minutes: one run. With it: runs with the seeds that follow, until the time is over. Prints each seed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, setUp } from './set-up.mjs';

const usage = 'Usage: npm run test:faults -- [--seed N] [--minutes N] [--orders N] [--transport nats|eventstore]';

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
        minutes: { type: 'string', default: '0' },
        orders: { type: 'string', default: '200' },
        transport: { type: 'string', default: 'nats' },
      },
    });
    const [seed, minutes, orders] = [values.seed, values.minutes, values.orders].map(Number);
    const known = ['nats', 'eventstore'].includes(values.transport);
    if (!known || !Number.isInteger(seed) || !(minutes >= 0) || !Number.isInteger(orders) || orders < 1)
      throw new Error('Numbers are whole and not negative.');
    return { seed, minutes, orders, transport: values.transport };
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

const { seed: first, minutes, orders, transport } = readArguments();
await setUp();

const jest = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  join(root, 'node_modules/jest/bin/jest.js'),
];
const until = Date.now() + minutes * 60_000;
let passed = 0;
let failed = 0;
for (let seed = first; seed === first || Date.now() < until; seed++) {
  console.log(`seed ${seed}`);
  const { status } = spawnSync(
    process.execPath,
    [...jest, '--selectProjects', 'e2e', '--testPathPatterns', 'test/faults', '-i'],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        FAULTS_SEED: String(seed),
        FAULTS_ORDERS: String(orders),
        FAULTS_CUT_MS: '10000',
        FAULTS_TRANSPORT: transport,
        FAULTS_VERBOSE: '1',
      },
    },
  );
  if (status === 0) passed++;
  else {
    failed++;
    console.error(`Again: npm run test:faults -- --seed ${seed} --orders ${orders} --transport ${transport}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
