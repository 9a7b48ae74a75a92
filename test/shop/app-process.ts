/** One app of the shop as a process of its own, that can be killed and started again on the same port. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { eventually } from '@annals/testing';

export class AppProcess {
  readonly url: string;
  private child: ChildProcess | undefined;
  private output = '';
  private later: Readonly<Record<string, string>> = {};

  constructor(
    readonly name: string,
    private readonly environment: Readonly<Record<string, string>>,
    port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** One more process with the same environment, on a port of its own. */
  twin(port: number): AppProcess {
    return new AppProcess(this.name, { ...this.environment, PORT: String(port) }, port);
  }

  /** Variables that it has from its next start on. */
  changeEnvironment(variables: Readonly<Record<string, string>>): void {
    this.later = { ...this.later, ...variables };
  }

  /** Starts the process and waits until it is ready. */
  async start(): Promise<void> {
    this.begin();
    await this.ready();
  }

  begin(): void {
    const main = resolve('dist', 'apps', this.name, 'src', 'main.js');
    if (!existsSync(main)) throw new Error(`${main} is missing: run \`npm run build\` first.`);
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...this.environment, ...this.later },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.child = child;
  }

  async ready(): Promise<void> {
    await eventually(
      async () => {
        if (this.child?.exitCode !== null && this.child?.exitCode !== undefined)
          throw new Error(`${this.name} ended with code ${this.child.exitCode}:\n${this.output}`);
        const answer = await fetch(`${this.url}/health/ready`).then(
          async (response) => (response.ok ? 'ready' : response.text()),
          String,
        );
        if (answer !== 'ready') throw new Error(`${this.name} is not ready: ${answer}\n${this.output}`);
      },
      { within: 90_000, every: 50 },
    );
  }

  /** Undefined while it runs. */
  get exitCode(): number | undefined {
    return this.child?.exitCode ?? undefined;
  }

  /** Ends the process with `signal` and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly ms: number }> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return { code: child?.exitCode ?? null, ms: 0 };
    const began = performance.now();
    child.kill(signal);
    const exited = once(child, 'exit') as Promise<[number | null]>;
    const [code] = await exited;
    return { code, ms: performance.now() - began };
  }

  /** The last that it wrote, for the messages of failed tests. */
  get lastOutput(): string {
    return this.output;
  }
}
