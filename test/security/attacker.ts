/** What is sent to apps that should not let it in: requests as they are written, and tokens that are not quite right. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { localToken } from '@annals/nestjs';

export const bearer = async (subject: string, ...roles: string[]): Promise<Record<string, string>> => ({
  authorization: `Bearer ${await localToken({ subject, roles }, 300)}`,
});

interface Forgery {
  readonly what: string;
  readonly token: string;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Operator's tokens that nobody issued, each wrong in one way. @param keysUrl where a token says its key is */
export async function forgeries(keysUrl: string): Promise<Forgery[]> {
  const good = await localToken({ subject: 'mallory', roles: ['customer'] }, 300);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const claims = { ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), roles: ['operator'] };
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const own = { alg: 'RS256', typ: 'at+jwt', jku: keysUrl, x5u: keysUrl, jwk: publicKey.export({ format: 'jwk' }) };
  const { sign } = await import('node:crypto');
  const signed = (head: object) => {
    const input = `${encoded(head)}.${encoded(claims)}`;
    return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
  };
  const hmac = `${encoded({ alg: 'HS256', typ: 'at+jwt' })}.${encoded(claims)}`;
  const { x = '' } = JSON.parse(readFileSync(process.env['AUTH_KEY_FILE'] ?? '', 'utf8')) as { readonly x?: string };
  const confused = createHmac('sha256', Buffer.from(x, 'base64url')).update(hmac).digest('base64url');
  return [
    { what: 'roles changed', token: `${header}.${encoded(claims)}.${signature}` },
    { what: 'signature left out', token: `${header}.${payload}.` },
    { what: 'alg none', token: `${encoded({ alg: 'none', typ: 'at+jwt' })}.${encoded(claims)}.` },
    { what: 'public key as a shared secret', token: `${hmac}.${confused}` },
    { what: 'a key that it brings itself', token: signed(own) },
    { what: 'expired', token: await localToken({ subject: 'mallory', roles: ['operator'] }, -60) },
    { what: 'no token at all', token: 'a.b.c' },
  ];
}

/** Sends text as it is and returns the status line and all that follows, up to where the other side closes. */
export function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setTimeout(10_000, () => socket.destroy(new Error(`No end of the answer: ${answer}`)));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.on('close', () => resolve(answer));
  });
}
