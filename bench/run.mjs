// npm run bench -- <suite> [--check] [--json FILE] [--rounds N] [--only TEXT] [--full]
// Prints a row per comparison: medians and ranges of at least 5 alternating runs. --check: exit code 1 below a goal;
// --full: the sizes that take many minutes to set up, where a suite has such.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.mjs';
import { compare } from './harness/compare.mjs';
import { header, line } from './harness/table.mjs';

const here = import.meta.dirname;
const suites = readdirSync(here).filter((name) => existsSync(join(here, name, 'suite.mjs')));

function wrongUse(problem) {
  console.error(
    `${problem}\nUse: npm run bench -- <${suites.join(' | ')}> [--check] [--json FILE] [--rounds N] [--only TEXT] [--full]`,
  );
  process.exit(2);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        check: { type: 'boolean', default: false },
        json: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        only: { type: 'string', default: '' },
        full: { type: 'boolean', default: false },
      },
    });
    const [suite, ...more] = positionals;
    const rounds = Number(values.rounds);
    if (!suites.includes(suite) || more.length > 0) wrongUse(`There is no suite '${positionals.join(' ')}'.`);
    if (!Number.isInteger(rounds) || rounds < 1) wrongUse('--rounds takes a whole number.');
    return { ...values, suite, rounds };
  } catch (error) {
    return wrongUse(error.message);
  }
}

/** A suite's module exports `open()`, which gives `{ comparisons, close }`: see bench/commands/suite.mjs. `full`: the sizes that take long. */
async function run({ suite, rounds, only, full }) {
  await build();
  const { open } = await import(`./${suite}/suite.mjs`);
  const { comparisons, close } = await open({ full });
  const rows = [];
  try {
    console.log(`${suite}: ${rounds} alternating runs, ${cpus().length} cores, Node ${process.version}\n\n${header()}`);
    for (const comparison of comparisons.filter(({ work }) => work.includes(only))) {
      await comparison.prepare?.();
      rows.push(await compare(comparison, rounds));
      console.log(line(rows.at(-1)));
    }
  } finally {
    await close();
  }
  return rows;
}

const options = readArguments();
const rows = await run(options);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ suite: options.suite, rows }, undefined, 2)}\n`);
const missed = rows.filter(({ reached }) => !reached);
if (missed.length > 0) console.log(`\n${missed.length} below their goal.`);
process.exit(options.check && missed.length > 0 ? 1 : 0);
