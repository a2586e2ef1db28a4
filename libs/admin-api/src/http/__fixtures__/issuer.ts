import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, type KeyLike, SignJWT } from 'jose';

export const AUDIENCE = 'switchboard';

interface SigningKey {
  kid: string;
  publicKey: KeyLike;
  privateKey: KeyLike;
}

/** An OpenID provider, as far as a verifier sees one. */
export class Issuer {
  readonly asked: string[] = [];
  mode: 'well' | 'failing' | 'silent' | 'garbage' = 'well';
  /** What the discovery document says of who it is of. */
  claimed: string | undefined;
  key!: SigningKey;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Issuer> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const issuer = new Issuer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, reply) => {
      issuer.asked.push(request.url ?? '');
      if (issuer.mode === 'silent') return;
      void issuer.answer(request.url ?? '').then((body) => {
        reply.writeHead(issuer.mode === 'failing' ? 500 : 200, { 'content-type': 'application/json' });
        reply.end(issuer.mode === 'garbage' ? '<html>' : JSON.stringify(body));
      });
    });
    await issuer.rotate('first');
    return issuer;
  }

  /** From now on it signs with, and lists, this key alone. */
  async rotate(kid: string): Promise<void> {
    this.key = { kid, ...(await generateKeyPair('RS256')) };
  }

  sign(claims: JWTPayload, header: { kid?: string } = {}): Promise<string> {
    return new SignJWT({ iss: this.url, aud: AUDIENCE, sub: 'alice', switchboard_roles: ['acme:admin'], ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: this.key.kid, ...header })
      .setExpirationTime(claims.exp ?? '5m')
      .sign(this.key.privateKey);
  }

  publicPem(): Promise<string> {
    return exportSPKI(this.key.publicKey);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(path: string): Promise<object> {
    if (path !== '/keys') return { issuer: this.claimed ?? this.url, jwks_uri: `${this.url}/keys` };
    return { keys: [{ ...(await exportJWK(this.key.publicKey)), kid: this.key.kid }] };
  }
}
