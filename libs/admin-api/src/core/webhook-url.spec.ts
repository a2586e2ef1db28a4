import { checkWebhookUrl } from './webhook-url';

test.each<[written: string, fault: string]>([
  ['nonsense', 'must be a URL'],
  ['http://hooks.example.com/', 'must start with https:// (or http:// with trustedNetwork)'],
  ['ftp://hooks.example.com/', 'must start with https:// (or http:// with trustedNetwork)'],
  ['https://user:pass@hooks.example.com/', 'must not hold credentials'],
  ['https://hooks.example.com/#part', 'must not have a fragment'],
  ...[
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:10.0.0.1]',
    '10.1.2.3',
    '169.254.169.254',
    'localhost',
  ].map((host): [string, string] => [
    `https://${host}/`,
    'is in a private network: set trustedNetwork: true if that is meant',
  ]),
  ['https://redis.default.svc/', 'is in a private network: set trustedNetwork: true if that is meant'],
])('%s is refused', (written, fault) => {
  expect(checkWebhookUrl(written, { trustedNetwork: false })).toEqual({ ok: false, fault });
});

test('the query, which may hold a token, is kept apart', () => {
  expect(checkWebhookUrl('https://hooks.example.com:8443/a/b?token=x', { trustedNetwork: false })).toEqual({
    ...{ ok: true, url: 'https://hooks.example.com:8443/a/b', query: '?token=x' },
  });
});

test('in a trusted network plain HTTP and private addresses are fine', () => {
  expect(checkWebhookUrl('http://10.0.0.1', { trustedNetwork: true })).toEqual({
    ...{ ok: true, url: 'http://10.0.0.1/', query: '' },
  });
});
