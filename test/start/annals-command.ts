/** Runs `annals` as people do, in a process of its own, on ports and in a folder that nobody else uses. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@annals/testing';

const root = join(import.meta.dirname, '../..');
const bin = join(root, 'libs/cli/bin/annals.js');

/** Everything on any free port. */
const anyPort = Object.fromEntries(
  [
    'EVENTSTORE',
    'POSTGRES',
    'NATS',
    'ORDERS',
    'INVENTORY',
    'PAYMENTS',
    'SHIPPING',
    'NOTIFICATIONS',
    'GATEWAY',
    'CARRIER',
  ].map((name) => [`${name}_PORT`, '0']),
);

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of the command. */
export interface Run {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
  /** Waits until `pattern` stands on stdout. Fails at once when the command ends before. */
  readonly says: (pattern: RegExp, within?: number) => Promise<RegExpExecArray>;
}

/** A folder of run time of its own, and the commands that use it. */
export class Place {
  readonly runtime = mkdtempSync(join(tmpdir(), 'annals-start-'));
  private readonly children: ChildProcess[] = [];

  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
    const { NODE_OPTIONS: _, npm_lifecycle_event: __, AUTH_KEY_FILE: ___, ...inherited } = process.env;
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: root,
      env: { ...inherited, ...anyPort, ANNALS_RUNTIME: this.runtime, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.push(child);
    let stdout = '';
    let stderr = '';
    let over = false;
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const ended = new Promise<Ended>((resolve) =>
      child.once('close', (code) => {
        over = true;
        resolve({ code, stdout, stderr });
      }),
    );
    const says = async (pattern: RegExp, within = 90_000) => {
      const found = await eventually(
        () =>
          pattern.exec(stdout) ?? (over ? new Error(`It ended before it said ${pattern}:\n${stdout}${stderr}`) : null),
        { within },
      );
      if (found instanceof Error) throw found;
      return found;
    };
    return {
      pid: child.pid ?? 0,
      stdout: () => stdout,
      stderr: () => stderr,
      kill: (signal) => void child.kill(signal),
      ended,
      says,
    };
  }

  /** What the mails say that were written here: the ends of their subjects. */
  mails(): string[] {
    const outbox = join(this.runtime, 'outbox');
    const files = existsSync(outbox) ? readdirSync(outbox).filter((name) => name.endsWith('.eml')) : [];
    const subjects = files.map((name) => /^Subject: .* is (.*)$/m.exec(readFileSync(join(outbox, name), 'utf8'))?.[1]);
    return subjects.map(String).sort();
  }

  /** Processes that were started here: they carry the folder in their environment or in their arguments. */
  processes(): { pid: number; command: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map((pid) => ({ pid: Number(pid), command: procFile(pid, 'cmdline'), environment: procFile(pid, 'environ') }))
      .filter(({ command, environment }) => `${command} ${environment}`.includes(this.runtime))
      .map(({ pid, command }) => ({ pid, command }));
  }

  /** Ends whatever a failed test has left. */
  async leave(): Promise<void> {
    for (const child of this.children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await eventually(() => this.processes().length === 0, { within: 30_000 });
    rmSync(this.runtime, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Empty for a process that has gone meanwhile. */
function procFile(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
