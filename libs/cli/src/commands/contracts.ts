/** `annals contracts`: the published language of all contexts, and whether it still is what others rely on. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AsyncApiDocument } from '@annals/messaging';
import type { Command } from 'commander';
import { ContractsBroken, NoBaseline, NoWorkspace } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { jsonLine } from '../output/json.js';
import { findRoot } from '../workspace.js';

interface Printing {
  readonly json?: boolean;
}

/** Where the language lies that was published last. */
const baselineFile = join('libs', 'contracts', 'asyncapi.json');

export function addContracts(program: Command, invocation: Invocation): void {
  const contracts = program
    .command('contracts')
    .description('the published language: integration events and commands of all contexts');
  contracts
    .command('export')
    .description('the language as an AsyncAPI 3 document, from the maps: who publishes and who consumes what')
    .option(
      '--out <file>',
      `write it there instead of stdout; what is committed as ${baselineFile} counts as published`,
    )
    .action((options: { out?: string }) => exportAll(options, invocation));
  contracts
    .command('check')
    .description('compare with the language that was published; exit code 1 when that was changed incompatibly')
    .option('--baseline <file>', 'the published language', baselineFile)
    .option('--json', 'print JSON')
    .action((options: Printing & { baseline: string }) => check(options, invocation));
}

async function exportAll({ out }: { out?: string }, invocation: Invocation): Promise<void> {
  const text = `${JSON.stringify(await language(invocation), undefined, 2)}\n`;
  if (out === undefined) return void invocation.stdout.write(text);
  writeFileSync(resolve(invocation.cwd, out), text);
  printLine(invocation.stderr, `Written to ${out}`);
}

async function check(
  { baseline, json = false }: Printing & { baseline: string },
  invocation: Invocation,
): Promise<void> {
  const { contractChanges } = await import('@annals/messaging');
  const changes = contractChanges(published(baseline, invocation), await language(invocation));
  const breaking = changes.filter((change) => change.breaking);
  if (json) printLine(invocation.stdout, jsonLine({ baseline, changes }));
  else {
    for (const { contract, path, change, breaking: breaks } of changes)
      printLine(invocation.stdout, `${breaks ? 'BREAKS  ' : 'changed '} ${contract}: ${path} ${change}`);
    if (changes.length === 0) printLine(invocation.stdout, 'The contracts are as they were published.');
    else if (breaking.length === 0)
      printLine(invocation.stdout, `Nothing breaks. Publish it: annals contracts export --out ${baseline}`);
  }
  if (breaking.length > 0) throw new ContractsBroken(breaking.length, baseline);
}

/** @throws NoBaseline */
function published(file: string, invocation: Invocation): AsyncApiDocument {
  const path = [resolve(invocation.cwd, file), join(findRoot(invocation.cwd) ?? invocation.cwd, file)].find(existsSync);
  if (path === undefined) throw new NoBaseline(file);
  return JSON.parse(readFileSync(path, 'utf8')) as AsyncApiDocument;
}

async function language(invocation: Invocation): Promise<AsyncApiDocument> {
  const { contextModules } = await import('../contexts/contexts.js');
  const { asyncApi } = await import('@annals/messaging');
  const { messagingOf } = await import('@annals/nestjs');
  const root = findRoot(invocation.cwd);
  if (root === undefined) throw new NoWorkspace(invocation.cwd);
  const contexts = (await contextModules(invocation)).map(messagingOf);
  return asyncApi({ title: 'Integration messages', version: '1', contexts });
}
