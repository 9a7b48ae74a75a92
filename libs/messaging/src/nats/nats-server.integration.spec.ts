import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { provideNatsServer, startNats, type RunningPart } from '@annals/embedded';
import { eventually } from '@annals/testing';
import { nanos } from '@nats-io/transport-node';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envelope } from '../../test/transport-suite.js';
import { natsBed } from '../../test/nats-bed.js';
import { ParcelTaken } from '../../test/contracts.js';
import { IntegrationServer, type ReceivedMessage, type Transport } from '../index.js';
import { NatsTransport } from './nats-transport.js';
import { natsSettings } from './settings.js';

const events = { kind: 'events' } as const;
const step = ({ event }: ReceivedMessage) => (event.data as { step: number }).step;

function listener(transport: Transport): { got: ReceivedMessage[]; server: IntegrationServer } {
  const got: ReceivedMessage[] = [];
  const server = new IntegrationServer({ context: 'alpha', transport });
  server.handle(ParcelTaken, (message) => {
    got.push(message);
    return Promise.resolve();
  });
  server.listen((error) => expect(error).toBeUndefined());
  return { got, server };
}

describe('a nats-server that is killed and started again', () => {
  let folder: string;
  let part: RunningPart | undefined;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-nats-restart-'));
  });
  afterAll(async () => {
    await part?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('loses nothing of what was accepted, and keeps the order', async () => {
    const binary = await provideNatsServer({ runtimeDir: join(import.meta.dirname, '../../../../.runtime') });
    const storeDir = join(folder, 'data');
    part = await startNats({ binary, port: 0, storeDir });
    const { port } = part;
    const url = `nats://127.0.0.1:${port}`;
    const make = () => new NatsTransport({ url, limits: { ackWaitMs: 1_000 }, callTimeoutMs: 1_000 });
    const [publishing, consuming] = [make(), make()];
    const { got, server } = listener(consuming);
    const parcels = Array.from({ length: 10 }, (_, index) => `p-${index}`);
    const steps = Array.from({ length: 20 }, (_, index) => index);
    const publishAll = parcels.map(async (parcelId) => {
      for (const step of steps) {
        const message = envelope(new ParcelTaken({ parcelId, step }));
        await eventually(() => publishing.publish(events, message), { within: 20_000 });
      }
    });

    await eventually(() => got.length >= 50);
    process.kill(part.pid, 'SIGKILL');
    await part.exited;
    await eventually(() => !server.health().connected && !publishing.status().connected);
    part = await startNats({ binary, port, storeDir });
    await Promise.all(publishAll);

    await eventually(
      () => {
        for (const parcelId of parcels) {
          const seen = got.filter(({ subject }) => subject === parcelId).map(step);
          expect([...new Set(seen)]).toEqual(steps);
        }
      },
      { within: 15_000 },
    );
    expect(server.health()).toMatchObject({ connected: true });
    await server.close();
    await Promise.all([publishing.close(), consuming.close()]);
  }, 40_000);
});

describe('what is declared and what is there', () => {
  it('reports a difference and leaves it alone', async () => {
    const bed = await natsBed();
    await bed.direct(async (_, manager) => {
      await manager.streams.add({
        name: `${bed.prefix}-events`,
        subjects: [`${bed.prefix}.events.>`],
        max_age: nanos(3_600_000),
        duplicate_window: nanos(600_000),
      });
      await manager.consumers.add(`${bed.prefix}-events`, {
        durable_name: 'alpha-from-depot',
        filter_subject: `${bed.prefix}.events.depot.>`,
        ack_policy: 'explicit',
        ack_wait: nanos(7_000),
        max_ack_pending: 1_000,
      });
    });
    const warnings: string[] = [];
    const log = { info() {}, error() {}, warn: (text: string) => void warnings.push(text) };
    const transport = bed.open({ log });
    const { got, server } = listener(transport);
    await transport.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
    await eventually(() => got.length === 1);
    const { differences } = transport.status();
    expect(differences.map(({ what, field }) => [what.replace(bed.prefix, ''), field])).toEqual([
      ['stream -events', 'max_age'],
      ['consumer alpha-from-depot', 'ack_wait'],
    ]);
    expect(differences[0]).toMatchObject({ actual: nanos(3_600_000) });
    expect(warnings.join(' ')).toContain('is not as declared: max_age');
    const { config } = await bed.direct((_, manager) => manager.streams.info(`${bed.prefix}-events`));
    expect(config.max_age).toBe(nanos(3_600_000));
    await server.close();
    await bed.close();
  });
});

describe('a nats-server that asks who is there', () => {
  let folder: string;
  let server: ChildProcess | undefined;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-nats-auth-'));
  });
  afterEach(async () => {
    if (!server) return;
    const gone = new Promise((resolve) => server?.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
    server = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns the port; `extra` are lines of the server's configuration file */
  async function start(extra: string): Promise<number> {
    const binary = await provideNatsServer({ runtimeDir: join(import.meta.dirname, '../../../../.runtime') });
    const config = join(folder, 'nats.conf');
    writeFileSync(config, `jetstream { store_dir: "${mkdtempSync(join(folder, 'store-'))}" }\n${extra}`);
    server = spawn(binary, ['--config', config, '--addr', '127.0.0.1', '--port', '-1'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    server.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const port = () => Number(/Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? 0);
    await eventually(() => /Server is ready/.test(said) && port() > 0);
    return port();
  }
  /** What comes of a publication: 'accepted', or why not; how long that may take, in ms. */
  const accepted = async (settings: ConstructorParameters<typeof NatsTransport>[0], callTimeoutMs = 10_000) => {
    const transport = new NatsTransport({ ...settings, callTimeoutMs });
    try {
      await transport.publish(events, envelope(new ParcelTaken({ parcelId: 'p', step: 1 })));
      return 'accepted';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await transport.close();
    }
  };

  it('takes a user and a password from the URL or the environment, and says why it refuses others', async () => {
    const port = await start('authorization { user: ada, password: "p@ss word" }');
    expect(await accepted({ url: `nats://ada:${encodeURIComponent('p@ss word')}@127.0.0.1:${port}` })).toBe('accepted');
    const environment = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: 'ada', NATS_PASSWORD: 'p@ss word' };
    expect(await accepted(natsSettings(environment))).toBe('accepted');
    expect(await accepted({ url: `nats://ada:wrong@127.0.0.1:${port}` }, 1_000)).toMatch(/Authorization Violation/i);
  });

  it('takes a token and an nkey', async () => {
    const port = await start('authorization { token: "s3cret" }');
    expect(await accepted({ url: `nats://s3cret@127.0.0.1:${port}` })).toBe('accepted');
    const { createUser } = (await import('@nats-io/transport-node')).nkeys;
    const user = createUser();
    const nkeyFile = join(folder, 'user.nk');
    writeFileSync(nkeyFile, `${new TextDecoder().decode(user.getSeed())}\n`);
    server?.kill('SIGKILL');
    const second = await start(`authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`);
    expect(await accepted(natsSettings({ NATS_URL: `nats://127.0.0.1:${second}`, NATS_NKEY: nkeyFile }))).toBe(
      'accepted',
    );
  });

  it('speaks TLS, and does not talk to a server whose certificate it cannot check', async () => {
    // Valid for this machine alone (the client checks an address as 'localhost'), signed by itself, for a hundred years.
    const certificates = join(import.meta.dirname, '../../test/certificates');
    const [key, cert] = [join(certificates, 'loopback.key.pem'), join(certificates, 'loopback.cert.pem')];
    const port = await start(`tls { cert_file: "${cert}", key_file: "${key}" }`);
    expect(await accepted(natsSettings({ NATS_URL: `tls://127.0.0.1:${port}`, NATS_TLS_CA: cert }))).toBe('accepted');
    expect(await accepted({ url: `tls://127.0.0.1:${port}` }, 1_000)).toMatch(/self.signed certificate/i);
  });
});
