import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { catalogueMarkdown, isErrorsFile, readCatalogue } from './error-catalogue.js';

const root = process.cwd();
const page = `${root}/docs/errors.md`;
const catalogue = readCatalogue(root);

describe('docs/errors.md', () => {
  it('is the catalogue of all coded errors, as the sources have them', () => {
    const expected = catalogueMarkdown(catalogue);
    if (process.env['ANNALS_WRITE_DOCS'] === '1') writeFileSync(page, expected);
    expect(readFileSync(page, 'utf8')).toBe(expected);
  });
});

describe('every coded error', () => {
  it('is declared where errors are declared', () => {
    expect(catalogue.filter(({ file }) => !isErrorsFile(file)).map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
  });

  it('has a code of its own, in capitals', () => {
    const codes = catalogue.map(({ code }) => code);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/.test(code))).toEqual([]);
    expect(codes.length).toBeGreaterThan(80);
  });
});
