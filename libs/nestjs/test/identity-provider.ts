/** An identity provider as tests need it: it publishes its keys over HTTP, and issues whatever token it is asked for. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTHeaderParameters, type JWTPayload } from 'jose';

interface Key {
  readonly kid: string;
  readonly algorithm: string;
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  readonly jwk: JWK;
}

export class IdentityProvider {
  readonly issuer = 'https://login.example.com/';
  readonly audience = 'shop';
  requests = 0;
  private server: Server | undefined;
  private port = 0;
  private published: Key[] = [];

  static async start(algorithm = 'RS256'): Promise<IdentityProvider> {
    const provider = new IdentityProvider();
    provider.published = [await makeKey('first', algorithm)];
    await provider.comeBack();
    return provider;
  }

  get jwksUrl(): string {
    return `http://127.0.0.1:${this.port}/keys`;
  }

  /** What an app needs to trust it. */
  get variables(): Record<string, string> {
    return { AUTH_JWKS_URL: this.jwksUrl, AUTH_ISSUER: this.issuer, AUTH_AUDIENCE: this.audience };
  }

  /** The keys of before are published no more. */
  async exchangeKeys(): Promise<void> {
    this.published = [await makeKey('second', 'RS256')];
  }

  async comeBack(): Promise<void> {
    this.server = createServer((_, response) => {
      this.requests++;
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ keys: this.published.map(({ jwk }) => jwk) }));
    }).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async goAway(): Promise<void> {
    this.server?.closeAllConnections();
    this.server?.close();
    if (this.server) await once(this.server, 'close');
    this.server = undefined;
  }

  async token(claims: JWTPayload = {}, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
    const [key] = this.published;
    if (!key) throw new Error('It has no key.');
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: this.issuer, aud: this.audience, sub: 'c-1', iat: now, exp: now + 60, ...claims })
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, ...header })
      .sign(key.privateKey);
  }
}

async function makeKey(kid: string, algorithm: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
}
