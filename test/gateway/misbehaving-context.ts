/** A context that behaves as told, in a process of its own (behave.mjs). */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '@annals/embedded';

interface Reply {
  /** Of the answer; default: 200, what was asked. */
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Behaviour = (
  | { readonly kind: 'well' | 'hang' | 'break' | 'cut' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'status'; readonly status: number }
  /** Every so manyth connection breaks. */
  | { readonly kind: 'flapping'; readonly every: number }
  | { readonly kind: 'endless'; readonly bytes?: number }
  | { readonly kind: 'large'; readonly rows: number }
) &
  Reply & { readonly paths?: readonly (Reply & { readonly path: string })[] };

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly body: string;
}

export class MisbehavingContext {
  private child: ChildProcess | undefined;

  private constructor(
    readonly name: string,
    private readonly port: number,
  ) {}

  static async start(name: string): Promise<MisbehavingContext> {
    const context = new MisbehavingContext(name, await freePort());
    await context.up();
    return context;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const child = spawn(process.execPath, [resolve('test/gateway/behave.mjs')], {
      env: { ...process.env, NODE_OPTIONS: '', NAME: this.name, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.child = child;
    if (child.stdout) await once(createInterface(child.stdout), 'line');
  }

  /** Its process dies, and its connections with it. */
  async down(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** From now on; what it has seen is forgotten. */
  async behaves(behaviour: Behaviour): Promise<void> {
    await fetch(`${this.url}/_behave`, { method: 'PUT', body: JSON.stringify(behaviour) });
  }

  /** `aborted`: requests whose sender went away; `written`: bytes of endless answers; `most`: requests at once. */
  async saw(): Promise<{
    readonly seen: readonly Seen[];
    readonly aborted: number;
    readonly written: number;
    readonly most: number;
  }> {
    return (await (await fetch(`${this.url}/_seen`)).json()) as Awaited<ReturnType<MisbehavingContext['saw']>>;
  }
}
