import { withDemoTenant } from './first-run';
import { defaultPolicies, DEFAULT_BRAND, type GatewayConfig } from './gateway-config';
import { unenforced } from './unenforced';

const plain: GatewayConfig = withDemoTenant(
  { brand: DEFAULT_BRAND, providers: [], models: [], policies: defaultPolicies(), tenants: [] },
  '0'.repeat(64),
);

function withDemo(changes: object): GatewayConfig {
  const [demo] = plain.tenants;
  return { ...plain, tenants: demo === undefined ? [] : [{ ...demo, ...changes }] };
}

it('warns of nothing where nothing is bounded', () => {
  expect(unenforced(plain)).toEqual([]);
});

it('names the tenants whose limits, budgets or credits nobody holds them to yet', () => {
  const demo = plain.tenants[0]?.tenant;
  expect(unenforced(withDemo({ tenant: { ...demo, limits: { rpm: 1 } } }))[0]).toContain('demo');
  expect(unenforced(withDemo({ creditsNanoUsd: 1 }))[0]).toContain('demo');
  const keys = (plain.tenants[0]?.keys ?? []).map((key) => ({ ...key, budget: { nanoUsd: 1, period: 'day' } }));
  expect(unenforced(withDemo({ keys }))[0]).toContain('demo');
});
