import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silent } from '@annals/core';
import { readTrust, TokenVerifier } from '@annals/nestjs';
import { eventually } from '@annals/testing';
import { statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { Place, type Run } from './annals-command.js';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.leave(), 40_000);

async function urlsOf(infra: Run): Promise<Record<string, string>> {
  await infra.says(/AUTH_KEY_FILE=\S+\n/);
  return Object.fromEntries(
    infra
      .stdout()
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

describe('annals infra', () => {
  it('prints the URLs of the running parts and nothing else on stdout, and leaves nothing behind', async () => {
    const infra = place.run(['infra']);
    const urls = await urlsOf(infra);
    expect(Object.keys(urls)).toEqual(['EVENTSTORE_URL', 'DATABASE_URL', 'NATS_URL', 'AUTH_KEY_FILE']);
    expect(statSync(urls['AUTH_KEY_FILE'] ?? '').mode & 0o777).toBe(0o600);

    const doctor = await place.run(['doctor', '--json'], urls).ended;
    const findings = JSON.parse(doctor.stdout) as { about: string; state: string }[];
    for (const about of ['Node', 'event store', 'Postgres', 'NATS'])
      expect(findings).toContainEqual(expect.objectContaining({ about, state: 'ok' }));

    // What `annals token` makes is what the apps of these variables trust.
    const made = await place.run(['token', '--role', 'operator', '--subject', 'ann', '--json'], urls).ended;
    const { token } = JSON.parse(made.stdout) as { token: string };
    const verifier = await TokenVerifier.open(readTrust({ AUTH_KEY_FILE: urls['AUTH_KEY_FILE'] }), silent);
    expect(await verifier.verify(token)).toEqual({ subject: 'ann', roles: ['operator'] });
    expect(await place.run(['token']).ended).toMatchObject({ code: 2 });

    infra.kill('SIGINT');
    expect(await infra.ended).toMatchObject({ code: 0 });
    expect(place.processes()).toEqual([]);
  }, 120_000);

  it('leaves nothing behind when it is killed', async () => {
    const infra = place.run(['infra']);
    await urlsOf(infra);
    infra.kill('SIGKILL');
    await infra.ended;
    await eventually(() => expect(place.processes()).toEqual([]), { within: 30_000 });
  }, 120_000);

  it('uses a part of the user, as it is', async () => {
    const infra = place.run(['infra'], {
      DATABASE_URL: 'postgres://me:secret@db.example:5432',
      MESSAGING_TRANSPORT: 'eventstore',
    });
    await infra.says(/DATABASE_URL=postgres:\/\/me:secret@db\.example:5432\n/);
    expect(infra.stderr()).toContain('yours: postgres://me:***@db.example:5432');
    expect(infra.stdout()).not.toContain('NATS_URL');
  }, 120_000);

  it('names the port that is taken and its variable, and stops what it had started', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { port } = squatter.address() as AddressInfo;
    try {
      const { code, stdout, stderr } = await place.run(['infra'], { POSTGRES_PORT: String(port) }).ended;
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`127.0.0.1:${port}`);
      expect(stderr).toContain('POSTGRES_PORT=<port>');
      expect(place.processes()).toEqual([]);
    } finally {
      squatter.close();
    }
  }, 120_000);
});
