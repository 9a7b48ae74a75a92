/** docs/configuration.md follows the code: its first tables are made from the settings' classes, and no variable is missing. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HealthSettings, SecuritySettings, Settings, variablesOf } from '@annals/nestjs';

const root = process.cwd();
const page = `${root}/docs/configuration.md`;
const [begin, end] = ['<!-- made from the settings -->', '<!-- end -->'];

/** Not for whoever runs Annals: the system's own, and what only its tests look at. */
const notOurs = ['PATH', 'NO_COLOR', 'APT_CONFIG', 'DEBUG', 'JEST_WORKER_ID', 'ANNALS_RECORD_SHAPES'];

function rowsOf(type: new () => object): string[] {
  const defaults = new type() as Record<string, unknown>;
  return [...variablesOf(type)].map(([property, { name, about, defaultText }]) => {
    const value = defaults[property];
    const fallback = defaultText ?? `\`${Array.isArray(value) ? value.join(', ') : String(value)}\``;
    return `| \`${name}\` | ${fallback} | ${about} |`;
  });
}

const table = (title: string, type: new () => object): string =>
  [`## ${title}`, '', '| variable | default | |', '| --- | --- | --- |', ...rowsOf(type)].join('\n');

const made = [
  table('Every context', Settings),
  table('Whose tokens are trusted', SecuritySettings),
  table('Health and the end', HealthSettings),
].join('\n\n');

/** Space is prettier's business. */
const words = (text: string): string => text.replaceAll(/-+/g, '-').replaceAll(/\s+/g, ' ').trim();

function variablesInSources(): string[] {
  const folders = ['libs', 'apps'].flatMap((kind) =>
    readdirSync(`${root}/${kind}`).map((name) => `${root}/${kind}/${name}/src`),
  );
  const files = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
  const read =
    /(?:\b(?:env|environment)\[|\bgiven\(|\bnumber\(|\bname: |\bportVariable: |\burlVariable: )'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|HOST|PORT)'/g;
  const found = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(read)].map(([, name = '']) => name));
  return [...new Set(found)].filter((name) => !notOurs.includes(name)).sort();
}

describe('docs/configuration.md', () => {
  it('has the tables that the settings make', () => {
    const text = readFileSync(page, 'utf8');
    const [before = '', rest = ''] = text.split(begin);
    const [present = '', after = ''] = rest.split(end);
    if (process.env['ANNALS_WRITE_DOCS'] === '1') writeFileSync(page, `${before}${begin}\n\n${made}\n\n${end}${after}`);
    else expect(words(present)).toBe(words(made));
  });

  it('names every variable that the code reads', () => {
    const text = readFileSync(page, 'utf8');
    const known = variablesInSources();
    expect(known.length).toBeGreaterThan(30);
    expect(known.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});
