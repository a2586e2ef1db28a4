import { generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { AUDIENCE, Issuer } from '../http/__fixtures__/issuer';
import { IssuerUnavailableError } from './adapters/issuer-keys';
import { createTokenVerifier, type OidcOptions, type TokenVerifier } from './token-verifier';

let issuer: Issuer;

beforeEach(async () => {
  issuer = await Issuer.start();
});

afterEach(() => issuer.stop());

function verifier(options: Partial<OidcOptions> = {}): TokenVerifier {
  return createTokenVerifier({ issuer: issuer.url, audience: AUDIENCE, ...options });
}

function unsigned(header: object, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.`;
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

test('a good token tells who it is and their roles; the keys are asked for once, when first needed', async () => {
  const verify = verifier();
  expect(issuer.asked).toEqual([]);
  for (let time = 0; time < 3; time++) {
    const verified = await verify(await issuer.sign({}));
    expect(verified).toMatchObject({ ok: true, principal: { actor: { name: 'oidc:alice' } } });
    expect(verified.ok && [...verified.principal.roles]).toEqual([['acme', 'admin']]);
  }
  expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
});

test('where the key set is named, no discovery happens', async () => {
  const verify = verifier({ jwksUri: `${issuer.url}/keys` });
  expect(await verify(await issuer.sign({}))).toMatchObject({ ok: true });
  expect(issuer.asked).toEqual(['/keys']);
});

test('roles come from the claim that is configured, and no other', async () => {
  const token = await issuer.sign({ groups: { acme: 'viewer' } });
  const verified = await verifier({ rolesClaim: 'groups' })(token);
  expect(verified.ok && [...verified.principal.roles]).toEqual([['acme', 'viewer']]);
});

test.each<[string, JWTPayload, RegExp]>([
  ['an expired token', { exp: inSeconds(-31) }, /expired/],
  ['a token that is not valid yet', { nbf: inSeconds(60) }, /not valid yet/],
  ['a token for another audience', { aud: 'somebody-else' }, /another audience/],
  ['a token of another issuer', { iss: 'https://evil.example' }, /unknown issuer/],
  ['a token without an audience', { aud: undefined }, /lacks the claim aud/],
  ['a token of nobody', { sub: undefined }, /lacks the claim sub/],
  ['a token of somebody without a name', { sub: '' }, /claim sub/],
])('%s is refused, with the reason', async (_what, claims, reason) => {
  const verified = await verifier()(await issuer.sign(claims));
  expect(verified).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
});

test('tokens of others do not make us ask our issuer', async () => {
  await verifier()(await issuer.sign({ iss: 'https://evil.example' }));
  expect(issuer.asked).toEqual([]);
});

test('clocks may differ by half a minute', async () => {
  const verify = verifier();
  expect(await verify(await issuer.sign({ exp: inSeconds(-20), nbf: inSeconds(20) }))).toMatchObject({ ok: true });
});

test('a token without an end is refused', async () => {
  const [, claims] = (await issuer.sign({})).split('.');
  const { exp: _, ...endless } = JSON.parse(Buffer.from(claims!, 'base64url').toString());
  const token = await new SignJWT(endless)
    .setProtectedHeader({ alg: 'RS256', kid: 'first' })
    .sign(issuer.key.privateKey);
  expect(await verifier()(token)).toMatchObject({ ok: false, reason: expect.stringContaining('lacks the claim exp') });
});

test('a token nobody signed is refused', async () => {
  const claims = { iss: issuer.url, aud: AUDIENCE, sub: 'alice', exp: inSeconds(60), switchboard_roles: ['*:owner'] };
  for (const alg of ['none', 'None', 'NONE']) {
    const verified = await verifier()(unsigned({ alg, kid: 'first' }, claims));
    expect(verified).toMatchObject({ ok: false });
  }
});

test('a token signed with the public key as a shared secret is refused', async () => {
  const secret = new TextEncoder().encode(await issuer.publicPem());
  const token = await new SignJWT({ switchboard_roles: ['*:owner'] })
    .setProtectedHeader({ alg: 'HS256', kid: 'first' })
    .setIssuer(issuer.url)
    .setAudience(AUDIENCE)
    .setSubject('mallory')
    .setExpirationTime('5m')
    .sign(secret);
  const verified = await verifier()(token);
  expect(verified).toMatchObject({ ok: false, reason: expect.stringContaining('algorithm') });
});

test('a token signed by somebody else under the issuer’s key id is refused', async () => {
  const verify = verifier();
  expect(await verify(await issuer.sign({}))).toMatchObject({ ok: true });
  const { privateKey } = await generateKeyPair('RS256');
  const token = await new SignJWT({ switchboard_roles: ['*:owner'] })
    .setProtectedHeader({ alg: 'RS256', kid: 'first' })
    .setIssuer(issuer.url)
    .setAudience(AUDIENCE)
    .setSubject('mallory')
    .setExpirationTime('5m')
    .sign(privateKey);
  expect(await verify(token)).toMatchObject({ ok: false, reason: expect.stringContaining('signature') });
});

test.each(['', 'abc', 'a.b', 'a.b.c', '..', 'a.b.c.d.e', '💥'])('%j is no token', async (text) => {
  expect(await verifier()(text)).toMatchObject({ ok: false });
  expect(issuer.asked).toEqual([]);
});

test('after a rotation the new key is fetched and the old one no longer holds', async () => {
  const verify = verifier({ cooldownMs: 50 });
  const old = await issuer.sign({});
  expect(await verify(old)).toMatchObject({ ok: true });
  await issuer.rotate('second');
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await verify(await issuer.sign({}))).toMatchObject({ ok: true });
  expect(await verify(old)).toMatchObject({ ok: false, reason: expect.stringContaining('does not list') });
});

test('tokens with made-up key ids do not make us ask the issuer over and over', async () => {
  const verify = verifier();
  await verify(await issuer.sign({}));
  for (let time = 0; time < 10; time++) {
    expect(await verify(await issuer.sign({}, { kid: `made-up-${time}` }))).toMatchObject({ ok: false });
  }
  expect(issuer.asked).toHaveLength(2);
});

test.each(['failing', 'garbage'] as const)('an issuer that is %s is no fault of the token', async (mode) => {
  issuer.mode = mode;
  const verify = verifier({ cooldownMs: 50 });
  const token = await issuer.sign({});
  await expect(verify(token)).rejects.toThrow(IssuerUnavailableError);
  // For a moment nobody asks again.
  const asked = issuer.asked.length;
  await expect(verify(token)).rejects.toThrow(IssuerUnavailableError);
  expect(issuer.asked).toHaveLength(asked);
  issuer.mode = 'well';
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await verify(token)).toMatchObject({ ok: true });
});

test('a silent issuer is given up on in time', async () => {
  issuer.mode = 'silent';
  const startedAt = performance.now();
  await expect(verifier()(await issuer.sign({}))).rejects.toThrow(IssuerUnavailableError);
  expect(performance.now() - startedAt).toBeLessThan(4_500);
}, 10_000);

test('keys at hand serve on while the issuer is away', async () => {
  const verify = verifier({ cooldownMs: 10 });
  await verify(await issuer.sign({}));
  issuer.mode = 'failing';
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(verify(await issuer.sign({}, { kid: 'unknown' }))).rejects.toThrow(IssuerUnavailableError);
  expect(await verify(await issuer.sign({}))).toMatchObject({ ok: true });
});

test('a discovery document of another issuer is not followed', async () => {
  issuer.claimed = 'https://evil.example';
  await expect(verifier()(await issuer.sign({}))).rejects.toThrow(IssuerUnavailableError);
  expect(issuer.asked).toEqual(['/.well-known/openid-configuration']);
});
