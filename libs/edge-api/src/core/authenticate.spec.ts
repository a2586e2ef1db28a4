import { GatewayError, KeyStoreUnavailableError, type KeyRecord } from '@switchboard/contracts';
import { authenticate, readCredentials } from './authenticate';
import { keyRecord } from './__fixtures__/key-record';

const NOW_MS = Date.UTC(2026, 10, 20);
const hash = (plaintext: string): string => `hash-of-${plaintext}`;

function outcome(headers: { apiKey?: string; authorization?: string }, record: KeyRecord = keyRecord()): string {
  const directory = { find: (hashed: string) => (hashed === record.hash ? record : undefined) };
  const found = authenticate(readCredentials(headers.apiKey, headers.authorization), directory, hash, NOW_MS);
  if (found instanceof Promise) throw new Error('waited for what is in memory');
  return found instanceof GatewayError ? found.code : found.id;
}

describe('authentication', () => {
  it('takes the key from either header', () => {
    expect(outcome({ apiKey: 'good-key' })).toBe('key_test');
    expect(outcome({ authorization: 'Bearer good-key' })).toBe('key_test');
    expect(outcome({ authorization: 'bearer  good-key ' })).toBe('key_test');
  });

  it('takes whichever of two different keys is known', () => {
    expect(outcome({ apiKey: 'good-key', authorization: 'Bearer other' })).toBe('key_test');
    expect(outcome({ apiKey: 'other', authorization: 'Bearer good-key' })).toBe('key_test');
  });

  it('tells a missing key from an unknown one', () => {
    expect(outcome({})).toBe('missing_key');
    expect(outcome({ apiKey: ' ', authorization: 'Basic Z29vZC1rZXk=' })).toBe('missing_key');
    expect(outcome({ apiKey: 'other' })).toBe('invalid_key');
  });

  it('refuses revoked and expired keys', () => {
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ revoked: true }))).toBe('invalid_key');
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ expiresAtMs: NOW_MS }))).toBe('expired_key');
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ expiresAtMs: NOW_MS + 1 }))).toBe('key_test');
  });

  it('never repeats a key in its message', () => {
    const error = authenticate(readCredentials('secret-key', undefined), { find: () => undefined }, hash, NOW_MS);
    expect(JSON.stringify(error)).not.toContain('secret-key');
    expect((error as GatewayError).publicMessage).not.toContain('secret-key');
  });
});

type Answer = KeyRecord | undefined | Promise<KeyRecord | undefined>;

/** A caller with two keys, each found as a test says. */
async function ofTwo(first: () => Answer, second: () => Answer): Promise<string> {
  const directory = { find: (hashed: string) => (hashed === hash('first') ? first() : second()) };
  const credentials = readCredentials('first', 'Bearer second');
  const found = await authenticate(credentials, directory, hash, NOW_MS);
  return found instanceof GatewayError ? found.code : found.id;
}

describe('a key that is not in memory', () => {
  const one = keyRecord({ id: 'key_one' });
  const two = keyRecord({ id: 'key_two' });
  const away = (): Promise<never> => Promise.reject(new KeyStoreUnavailableError('away'));

  it('is waited for, and judged like any other', async () => {
    const found = (record: KeyRecord | undefined) =>
      authenticate(readCredentials('k', undefined), { find: () => Promise.resolve(record) }, hash, NOW_MS);
    expect(await found(one)).toBe(one);
    expect(await found(undefined)).toMatchObject({ code: 'invalid_key' });
    expect(await found(keyRecord({ revoked: true }))).toMatchObject({ code: 'invalid_key' });
  });

  it('that cannot be looked up is no wrong key: the client is told to come again', async () => {
    const error = await authenticate(readCredentials('k', undefined), { find: away }, hash, NOW_MS);
    expect(error).toMatchObject({ code: 'key_store_unavailable', retryable: true, extra: { retryAfterSeconds: 1 } });
  });

  it('of two, the first is the caller wherever it is known, however long that takes', async () => {
    expect(
      await ofTwo(
        () => Promise.resolve(one),
        () => two,
      ),
    ).toBe('key_one');
    expect(
      await ofTwo(
        () => Promise.resolve(undefined),
        () => two,
      ),
    ).toBe('key_two');
    expect(
      await ofTwo(
        () => undefined,
        () => Promise.resolve(two),
      ),
    ).toBe('key_two');
    expect(await ofTwo(away, () => two)).toBe('key_two');
    expect(await ofTwo(away, () => undefined)).toBe('key_store_unavailable');
    expect(await ofTwo(() => undefined, away)).toBe('key_store_unavailable');
  });

  it('whose lookup has a bug is no answer at all', async () => {
    const find = () => Promise.reject(new TypeError('a bug of ours'));
    await expect(authenticate(readCredentials('k', undefined), { find }, hash, NOW_MS)).rejects.toThrow('a bug');
  });
});
