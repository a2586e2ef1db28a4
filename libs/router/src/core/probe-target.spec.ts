import { provider } from '../__fixtures__/catalog';
import { probeTarget } from './probe-target';

test('a provider is probed below its base URL, as is usual for its kind, unless it says otherwise', () => {
  const cloud = provider('cloud', 2);
  expect(probeTarget(cloud)).toMatchObject({ intervalMs: 10_000, trustedNetwork: false });
  expect(probeTarget(cloud)?.url.href).toBe('https://cloud.example/v1/models');
  const anthropic = { ...cloud, kind: 'anthropic' as const, baseUrl: 'https://cloud.example/a' };
  expect(probeTarget(anthropic)?.url.href).toBe('https://cloud.example/a/v1/models');
  const own = probeTarget({ ...cloud, probe: { path: '/health?deep=0', intervalMs: 2_000 } });
  expect(own).toMatchObject({ intervalMs: 2_000 });
  expect(own?.url.href).toBe('https://cloud.example/health?deep=0');
  expect(probeTarget({ ...cloud, probe: { intervalMs: 3_000 } })?.url.pathname).toBe('/v1/models');
  expect(probeTarget({ ...cloud, probe: 'off' })).toBeUndefined();
});

test('a path never leads to another host', () => {
  expect(probeTarget({ ...provider('cloud', 2), probe: { path: '//evil.example/x', intervalMs: 1 } })?.url.host).toBe(
    'cloud.example',
  );
});
