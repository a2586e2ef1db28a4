import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadGatewayConfig } from '@switchboard/platform';
import { environmentOf, namesIn, podOf, renderChart, type Rendering } from '@switchboard/testing';
import { readAdminSettings } from './config';
import { readMigrateSettings } from './migrate-config';

const ring = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const DATABASE_URL = 'postgresql://admin:s3cret@db:5432/switchboard';
const REQUIRED = { DATABASE_URL, KEK: ring('k1'), KEY_PEPPER: ring('p1') };

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  const read = readAdminSettings(env);
  return read.ok ? [] : read.faults;
}

test('the database and the two rings are all that must be given', () => {
  const read = readAdminSettings(REQUIRED);
  expect(read).toMatchObject({
    ok: true,
    settings: { DATABASE_URL, ADMIN_PORT: 9090, DRAIN_GRACE_MS: 5_000 },
    secrets: { kek: [{ id: 'k1' }] },
  });
  expect(read).not.toHaveProperty('oidc');
  expect(faultsOf({}).map((fault) => fault.split(':', 1)[0])).toEqual(['DATABASE_URL', 'KEK', 'KEY_PEPPER']);
});

test('faults are told together and none with its value', () => {
  const faults = faultsOf({
    ...{ DATABASE_URL: 'mysql://admin:s3cret@db/x', KEK: 'k1:c2VjcmV0', KEY_PEPPER: ring('p1') },
    ...{ OIDC_ISSUER: 'http://login.example.com', DEMO_KEY_HASH: 'nothex-s3cret', ADMIN_TOKEN_FILE: '/nonexistent' },
  });
  const variables = faults.map((fault) => fault.split(':', 1)[0]);
  expect(variables.sort()).toEqual([
    'ADMIN_TOKEN_FILE',
    'DATABASE_URL',
    'DEMO_KEY_HASH',
    'KEK',
    'OIDC_AUDIENCE',
    'OIDC_ISSUER',
  ]);
  expect(faults.join()).not.toMatch(/s3cret|c2VjcmV0/);
});

test('the admin token comes from the environment or a file, not from both', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-admin-token-'));
  chmodSync(folder, 0o700);
  const file = path.join(folder, 'token');
  writeFileSync(file, 'from-a-file\n');
  expect(readAdminSettings({ ...REQUIRED, ADMIN_TOKEN_FILE: file })).toMatchObject({
    secrets: { adminToken: 'from-a-file' },
  });
  expect(readAdminSettings({ ...REQUIRED, ADMIN_TOKEN: 'given' })).toMatchObject({ secrets: { adminToken: 'given' } });
  expect(faultsOf({ ...REQUIRED, ADMIN_TOKEN: 'given', ADMIN_TOKEN_FILE: file })).toEqual([
    'ADMIN_TOKEN: give it or ADMIN_TOKEN_FILE, not both',
  ]);
  rmSync(folder, { recursive: true });
});

test('an issuer needs an audience; what is set without an issuer is a fault', () => {
  const OIDC_ISSUER = 'https://login.example.com/realms/x';
  const read = readAdminSettings({ ...REQUIRED, OIDC_ISSUER, OIDC_AUDIENCE: 'switchboard', OIDC_ROLES_CLAIM: 'roles' });
  expect(read).toMatchObject({ oidc: { issuer: OIDC_ISSUER, audience: 'switchboard', rolesClaim: 'roles' } });
  expect(faultsOf({ ...REQUIRED, OIDC_ISSUER })).toEqual(['OIDC_AUDIENCE: required with OIDC_ISSUER']);
  expect(faultsOf({ ...REQUIRED, OIDC_AUDIENCE: 'x' })).toEqual(['OIDC_AUDIENCE: has no effect without OIDC_ISSUER']);
});

describe('the chart', () => {
  const ring = `k1:${Buffer.alloc(32).toString('base64')}`;
  const secrets = {
    ...{ KEK: ring, KEY_PEPPER: ring, ADMIN_TOKEN: 'owner', DATABASE_URL: 'postgresql://u:p@h:5432/d' },
    ...{ NATS_URL: 'nats://token@nats:4222', anthropic: 'sk' },
  };

  async function environment(rendering: Rendering = {}): Promise<Record<string, string>> {
    return environmentOf(podOf(await renderChart(rendering), 'admin-api'), secrets);
  }

  function settingsFrom(env: Record<string, string>) {
    const read = readAdminSettings(env);
    if (!read.ok) throw new Error(read.faults.join());
    // What may be left out and was is there without a value.
    return Object.fromEntries(Object.entries(read.settings).filter(([, value]) => value !== undefined));
  }

  /** Not of the process, but of the file it reads. */
  const beside = { KEK: '', KEY_PEPPER: '', GATEWAY_CONFIG: '' };
  const oidc = { issuer: 'https://login', audience: 'a', jwksUri: 'https://keys', rolesClaim: 'r' };

  it('sets every variable that admin-api reads, and none that it does not', async () => {
    const env = await environment({ values: { adminApi: { config: { oidc } } } });
    expect(settingsFrom(env)).toMatchObject({
      OIDC_ISSUER: 'https://login',
      OIDC_ROLES_CLAIM: 'r',
      ADMIN_TOKEN: 'owner',
    });
    expect(namesIn(env)).toEqual(namesIn({ ...settingsFrom(env), ...beside }));
  });

  it('has the defaults that admin-api has', async () => {
    const { INSTANCE: _, ...set } = settingsFrom(await environment());
    expect(settingsFrom(secrets)).toMatchObject(set);
  });

  it('gives it the keys of providers, and leaves the token out where OIDC is alone', async () => {
    const gateway = { secretEnv: [{ name: 'ANTHROPIC_API_KEY', secretName: 'providers', key: 'anthropic' }] };
    const env = await environment({ values: { gateway, adminApi: { config: { adminToken: false, oidc } } } });
    expect(env).toMatchObject({ ANTHROPIC_API_KEY: 'sk' });
    expect(env).not.toHaveProperty('ADMIN_TOKEN');
  });

  it('has a gateway.yaml in its example for production that lacks nothing but the files of its Secrets', async () => {
    const objects = await renderChart({ example: 'production' });
    const map = objects.find(({ metadata }) => metadata.name === 'switchboard-gateway');
    const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-chart-'));
    writeFileSync(path.join(folder, 'gateway.yaml'), (map?.['data'] as Record<string, string>)['gateway.yaml'] ?? '');
    const loaded = loadGatewayConfig({ env: {}, cwd: folder, standalone: false });
    rmSync(folder, { recursive: true });
    const faults = loaded.ok ? [] : loaded.faults;
    expect(faults).toHaveLength(2);
    for (const fault of faults) {
      expect(fault).toMatch(/apiKey.*: file \/run\/secrets\/switchboard\/providers\/\w+ cannot be read/);
    }
  });

  it('refuses an issuer without an audience', async () => {
    const values = { adminApi: { config: { oidc: { issuer: 'https://login' } } } };
    await expect(renderChart({ values })).rejects.toThrow('audience');
  });
});

test('the migrations need to know of the database, and of no secret beside its own', () => {
  expect(readMigrateSettings({ DATABASE_URL })).toMatchObject({
    ok: true,
    settings: { DATABASE_URL, MIGRATE_WAIT_MS: 120_000 },
  });
  expect(readMigrateSettings({ MIGRATE_WAIT_MS: '0' })).toEqual({
    ok: false,
    faults: ['DATABASE_URL: required', expect.stringContaining('MIGRATE_WAIT_MS: ')],
  });
});
