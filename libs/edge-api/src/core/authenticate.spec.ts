import { GatewayError, type KeyRecord } from '@switchboard/contracts';
import { authenticate, readCredentials } from './authenticate';
import { keyRecord } from './__fixtures__/key-record';

const NOW_MS = Date.UTC(2026, 10, 20);
const hash = (plaintext: string): string => `hash-of-${plaintext}`;

function outcome(headers: { apiKey?: string; authorization?: string }, record: KeyRecord = keyRecord()): string {
  const directory = { find: (hashed: string) => (hashed === record.hash ? record : undefined) };
  const found = authenticate(readCredentials(headers.apiKey, headers.authorization), directory, hash, NOW_MS);
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

  it('refuses revoked and expired keys and keys of inactive tenants', () => {
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ revoked: true }))).toBe('invalid_key');
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ expiresAtMs: NOW_MS }))).toBe('expired_key');
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ expiresAtMs: NOW_MS + 1 }))).toBe('key_test');
    const tenant = { id: 'acme', name: 'Acme', active: false, limits: {} };
    expect(outcome({ apiKey: 'good-key' }, keyRecord({ tenant }))).toBe('tenant_inactive');
  });

  it('never repeats a key in its message', () => {
    const error = authenticate(readCredentials('secret-key', undefined), { find: () => undefined }, hash, NOW_MS);
    expect(JSON.stringify(error)).not.toContain('secret-key');
    expect((error as GatewayError).publicMessage).not.toContain('secret-key');
  });
});
