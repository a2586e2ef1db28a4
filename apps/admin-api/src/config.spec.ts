import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
