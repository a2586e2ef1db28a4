import { addressList, callerAddress, mayCall, mayCallFrom, mayUse, mayUseModel } from './access';
import { keyRecord } from './__fixtures__/key-record';

describe('what a key may do', () => {
  it('is nothing while its tenant is not active', () => {
    const tenant = { id: 'acme', name: 'Acme', active: false, limits: {} };
    expect(mayCall(keyRecord({ tenant }))?.code).toBe('tenant_inactive');
    expect(mayCall(keyRecord())).toBeUndefined();
  });

  it('holds permissions to the listed ones', () => {
    expect(mayUse(keyRecord({ permissions: ['embeddings'] }), 'llm')?.code).toBe('permission_denied');
    expect(mayUse(keyRecord({ permissions: ['llm'] }), 'llm')).toBeUndefined();
    expect(mayUse(keyRecord(), 'llm')).toBeUndefined();
  });

  it('matches models by glob, and any of the names a request goes by', () => {
    const key = keyRecord({ models: ['anthropic/*', 'auto', 'openai/gpt-5.1'] });
    expect(mayUseModel(key, 'anthropic/claude-sonnet-4.6')).toBe(true);
    expect(mayUseModel(key, 'openai/gpt-5.1')).toBe(true);
    expect(mayUseModel(key, 'openai/gpt-5x1')).toBe(false);
    expect(mayUseModel(key, 'openai/gpt-5')).toBe(false);
    expect(mayUseModel(key, 'openai/gpt-5', 'auto')).toBe(true);
    expect(mayUseModel(keyRecord(), 'anything')).toBe(true);
  });

  it('holds a key with origins to them, and without an Origin header refuses it', () => {
    const key = keyRecord({ origins: ['https://app.acme.dev'] });
    expect(mayCallFrom(key, 'https://app.acme.dev', '10.0.0.1')).toBeUndefined();
    expect(mayCallFrom(key, 'https://evil.example', '10.0.0.1')?.code).toBe('domain_not_allowed');
    expect(mayCallFrom(key, undefined, '10.0.0.1')?.code).toBe('domain_not_allowed');
  });

  it('holds a key with address ranges to them, in both families', () => {
    const key = keyRecord({ ips: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] });
    expect(mayCallFrom(key, undefined, '10.200.3.4')).toBeUndefined();
    expect(mayCallFrom(key, undefined, '192.0.2.7')).toBeUndefined();
    expect(mayCallFrom(key, undefined, '2001:db8::1')).toBeUndefined();
    expect(mayCallFrom(key, undefined, '11.0.0.1')?.code).toBe('ip_not_allowed');
    expect(mayCallFrom(key, undefined, '2001:db9::1')?.code).toBe('ip_not_allowed');
  });
});

describe('the address of the caller', () => {
  const trusted = addressList(['10.0.0.0/8']);

  it('is the socket’s, whatever a caller claims', () => {
    expect(callerAddress('203.0.113.9', '10.1.1.1', trusted)).toBe('203.0.113.9');
    expect(callerAddress('203.0.113.9', '10.1.1.1', undefined)).toBe('203.0.113.9');
    expect(callerAddress('::ffff:203.0.113.9', undefined, undefined)).toBe('203.0.113.9');
  });

  it('behind trusted proxies is the last hop that is not one of them', () => {
    expect(callerAddress('10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.2', trusted)).toBe('203.0.113.9');
    expect(callerAddress('::ffff:10.0.0.1', '203.0.113.9', trusted)).toBe('203.0.113.9');
  });

  it('falls back to the socket where the header holds no address', () => {
    expect(callerAddress('10.0.0.1', 'unknown', trusted)).toBe('10.0.0.1');
  });
});
