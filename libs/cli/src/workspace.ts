/** The project that the command works on: its apps, their ports, and the folder where everything at run time lies. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NoWorkspace, WrongUse } from './errors.js';
import type { Invocation } from './invocation.js';

/** One bounded context that runs as a process of its own. */
export interface App {
  readonly name: string;
  /** The compiled `main.ts`. */
  readonly entry: string;
  /** The compiled module that holds the context's map. */
  readonly module: string;
  readonly portVariable: string;
  readonly port: number;
}

export interface Workspace {
  readonly root: string;
  readonly apps: readonly App[];
}

interface NestProject {
  readonly type?: string;
  readonly sourceRoot?: string;
  readonly entryFile?: string;
}

/** The single entry stands before the contexts; those are numbered as nest-cli.json lists them. */
const gateway = 'gateway';
const gatewayPort = 3000;
const firstContextPort = 3001;

/** The nearest folder from `cwd` upwards with a nest-cli.json, else the one that this package itself lies in. */
export function findRoot(cwd: string): string | undefined {
  return nearest(resolve(cwd)) ?? nearest(dirname(fileURLToPath(import.meta.url)));
}

function nearest(folder: string): string | undefined {
  if (existsSync(join(folder, 'nest-cli.json'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : nearest(parent);
}

/** @throws NoWorkspace, WrongUse for a port that is none */
export function openWorkspace({ cwd, env }: Invocation): Workspace {
  const root = findRoot(cwd);
  if (root === undefined) throw new NoWorkspace(cwd);
  const apps = appsOf(root, env);
  if (apps.length === 0) throw new NoWorkspace(root);
  return { root, apps };
}

function appsOf(root: string, env: Invocation['env']): App[] {
  const { projects = {} } = JSON.parse(readFileSync(join(root, 'nest-cli.json'), 'utf8')) as {
    projects?: Readonly<Record<string, NestProject>>;
  };
  const applications = Object.entries(projects).filter(
    ([name, { type, sourceRoot = `apps/${name}/src` }]) => type === 'application' && isThere(root, sourceRoot),
  );
  const contexts = applications.map(([name]) => name).filter((name) => name !== gateway);
  return applications.map(([name, { sourceRoot = `apps/${name}/src`, entryFile = 'main' }]) => {
    const variable = portVariable(name);
    const fallback = name === gateway ? gatewayPort : firstContextPort + contexts.indexOf(name);
    return {
      name,
      entry: join(root, 'dist', sourceRoot, `${entryFile}.js`),
      module: join(root, 'dist', sourceRoot, `${name}.module.js`),
      portVariable: variable,
      port: readPort(env, variable, fallback),
    };
  });
}

/** As source, or compiled. */
const isThere = (root: string, sourceRoot: string): boolean =>
  existsSync(join(root, sourceRoot)) || existsSync(join(root, 'dist', sourceRoot));

const portVariable = (app: string): string => `${app.toUpperCase().replaceAll('-', '_')}_PORT`;

/** `.runtime` of the workspace (or of the current folder), or ANNALS_RUNTIME. */
export function runtimeDir({ cwd, env }: Invocation): string {
  const chosen = env['ANNALS_RUNTIME'];
  return chosen ? resolve(cwd, chosen) : join(findRoot(cwd) ?? cwd, '.runtime');
}

/** @throws WrongUse */
export function readPort(env: Invocation['env'], variable: string, fallback: number): number {
  const text = env[variable];
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new WrongUse(`${variable}=${text} is not a port. Use a whole number from 0 (any free port) to 65535.`);
  return Number(text);
}
