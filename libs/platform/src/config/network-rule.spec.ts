import { isLoopbackHost, isPrivateAddress, refusePrivateBaseUrl } from './network-rule';

describe('isPrivateAddress', () => {
  it.each([
    ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
    ...['0.0.0.0', '224.0.0.1', '255.255.255.255', '[::1]', '::', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1'],
    ...['[::ffff:a00:1]', '64:ff9b::a00:1', '2002:a00:1::', 'localhost', 'LOCALHOST.', 'a.localhost', 'vllm'],
    ...[
      'metadata.google.internal',
      'nas.local',
      'x.svc.cluster.local',
      'redis.ns.svc',
      'router.lan',
      'host.docker.internal',
    ],
  ])('holds %s private', (host) => {
    expect(isPrivateAddress(host)).toBe(true);
  });

  it.each([
    ...['8.8.8.8', '172.15.255.255', '172.32.0.1', '100.128.0.1', '192.169.0.1', '223.255.255.255', '2606:4700::1111'],
    ...['::ffff:8.8.8.8', 'api.anthropic.com', 'localhost.example.com', 'internal.example.com', 'mylocal.dev'],
  ])('holds %s public', (host) => {
    expect(isPrivateAddress(host)).toBe(false);
  });

  it('sees through every way of writing an IPv4 address that a URL allows', () => {
    for (const written of ['http://2130706433', 'http://0x7f.1', 'http://0177.0.0.1', 'http://127.1']) {
      expect(isLoopbackHost(new URL(written).hostname)).toBe(true);
    }
  });
});

describe('refusePrivateBaseUrl', () => {
  const refusal = (url: string, trustedNetwork: boolean, standalone: boolean) =>
    refusePrivateBaseUrl(new URL(url), { trustedNetwork, standalone });

  it('refuses private networks unless they are trusted', () => {
    expect(refusal('http://10.0.0.1/v1', false, true)).toContain('trustedNetwork');
    expect(refusal('http://10.0.0.1/v1', true, true)).toBeUndefined();
  });

  it('lets loopback through in standalone only', () => {
    expect(refusal('http://[::1]:8000/v1', false, true)).toBeUndefined();
    expect(refusal('http://localhost:8000/v1', false, false)).toContain('private network');
  });
});
