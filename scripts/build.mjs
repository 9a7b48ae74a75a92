// Compiles libs/*/src to libs/*/dist and apps/*/src to dist/apps/*/src (where `nest start` puts them) with SWC.
// Only what is newer than its output is compiled; outputs whose source is gone are removed.
import { transformFile } from '@swc/core';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Every source folder with the folder that its output goes to. */
const packages = ['libs', 'apps'].flatMap((kind) =>
  readdirSync(join(root, kind)).map((name) => ({
    source: join(root, kind, name, 'src'),
    output: kind === 'libs' ? join(root, kind, name, 'dist') : join(root, 'dist', kind, name, 'src'),
  })),
);

const filesBelow = (dir) =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

const isCompiled = (file) => file.endsWith('.ts') && !file.endsWith('.d.ts');
const isTest = (file) => /\.spec\.ts$/.test(file);
const changedAt = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
const configChangedAt = changedAt(join(root, '.swcrc'));

/** A process that starts meanwhile sees the old file or the new one, never half of it. */
function replaceFile(path, content) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

async function compile(source, output) {
  mkdirSync(dirname(output), { recursive: true });
  const { code, map } = await transformFile(source, {
    cwd: root,
    configFile: join(root, '.swcrc'),
    swcrc: false,
    filename: source,
  });
  replaceFile(`${output}.map`, map ?? '');
  replaceFile(output, `${code}\n//# sourceMappingURL=${basename(output)}.map\n`);
}

/** @returns how many files were compiled */
export async function build() {
  let compiled = 0;
  for (const { source, output } of packages) {
    const wanted = new Set();
    const work = [];
    for (const file of filesBelow(source)) {
      if (isTest(file)) continue;
      const target = join(output, relative(source, file)).replace(/\.ts$/, isCompiled(file) ? '.js' : '.ts');
      wanted.add(target).add(`${target}.map`);
      if (changedAt(target) >= Math.max(changedAt(file), configChangedAt)) continue;
      compiled++;
      if (isCompiled(file)) work.push(compile(file, target));
      else {
        mkdirSync(dirname(target), { recursive: true });
        copyFileSync(file, target);
      }
    }
    await Promise.all(work);
    for (const file of filesBelow(output)) if (!wanted.has(file) && !file.endsWith('.d.ts')) rmSync(file);
  }
  return compiled;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(`built: ${await build()} files compiled`);
