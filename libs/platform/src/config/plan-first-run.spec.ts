import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulatorConfig, withDemoTenant, withSimulator } from './first-run';
import { defaultPolicies, DEFAULT_BRAND, type GatewayConfig } from './gateway-config';
import { keyHash } from './key-identity';
import { planFirstRun, withFirstRun } from './plan-first-run';

const empty: GatewayConfig = {
  brand: DEFAULT_BRAND,
  providers: [],
  models: [],
  policies: defaultPolicies(),
  tenants: [],
};
const simulatorUrl = 'http://127.0.0.1:7777';
const demoKeyHash = keyHash('demo');
const complete = simulatorConfig({ simulatorUrl, demoKeyHash });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'first-run-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('what a first run adds', () => {
  it('is both to a configuration of nothing', () => {
    expect(withFirstRun(empty, { simulatorUrl, demoKeyHash })).toEqual(complete);
  });

  it('is neither to one that has a provider and a key', () => {
    expect(withFirstRun(complete, { simulatorUrl: 'http://other', demoKeyHash: keyHash('other') })).toBe(complete);
  });

  it('is no simulator beside a provider, and no demo tenant beside a key', () => {
    const withProvider = withSimulator(empty, { simulatorUrl });
    expect(withFirstRun(withProvider, { simulatorUrl: 'http://other', demoKeyHash }).providers).toBe(
      withProvider.providers,
    );
    const withKey = withDemoTenant(empty, keyHash('other'));
    expect(withFirstRun(withKey, { simulatorUrl, demoKeyHash }).tenants).toBe(withKey.tenants);
  });

  it('is a key of the tenant demo where that is there without one', () => {
    const known = { tenant: { id: 'demo', name: 'Ours', active: true, limits: { rpm: 5 } }, keys: [] };
    const { tenants } = withFirstRun({ ...empty, tenants: [known] }, { simulatorUrl, demoKeyHash });
    expect(tenants).toEqual([
      { ...known, keys: [expect.objectContaining({ hash: demoKeyHash, tenant: known.tenant })] },
    ]);
  });

  it('is only what there is', () => {
    expect(withFirstRun(empty, { simulatorUrl: undefined, demoKeyHash: undefined })).toBe(empty);
  });
});

describe('the plan of a first run', () => {
  it('is the simulator and a demo key, the same at the next start, for a configuration of nothing', () => {
    const { demoKey, ...plan } = planFirstRun(empty, directory);
    expect(plan).toMatchObject({ needsSimulator: true, model: 'anthropic/claude-sonnet-4.6' });
    expect(demoKey?.hash).toBe(keyHash(demoKey?.plaintext ?? ''));
    expect(planFirstRun(empty, directory).demoKey).toEqual(demoKey);
  });

  it('is nothing for one that has a provider and a key', () => {
    const plan = planFirstRun(complete, directory);
    expect(plan).toMatchObject({ needsSimulator: false, demoKey: undefined, upstreams: 'sim-anthropic, sim-openai' });
  });
});
