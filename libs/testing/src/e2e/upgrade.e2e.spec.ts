import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import {
  createLogger,
  createPool,
  type EmbeddedPostgres,
  freePort,
  type LocalServer,
  type Pool,
  startEmbeddedPostgres,
  startNats,
  startRedis,
} from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { runToEnd } from '../gateway-process';
import { startService, type RunningService } from '../service';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider, UPSTREAM_DIALECTS } from './gateway-config';
import { migrateAsPreviousRelease, newerMigrations, OlderMetering } from './previous-release';
import { ShortCalls } from './short-calls';
import { eventually } from './usage-ledger';

jest.setTimeout(120_000);

const APPS = path.resolve(__dirname, '../../../../apps');
const MIGRATE = path.join(APPS, 'admin-api/dist/migrate.js');
const VERIFY = path.join(APPS, 'standalone/dist/ledger-verify.js');
const log = createLogger({ level: 'silent', name: 'test' });

let folder: string;
let simulator: RunningSimulator;
let postgres: EmbeddedPostgres;
let nats: LocalServer;
let redis: LocalServer;
let pool: Pool;
let env: Record<string, string>;
const services = new Set<RunningService>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-upgrade-'));
  chmodSync(folder, 0o711);
  const place = { folder, log };
  [simulator, postgres, nats, redis] = await Promise.all([
    startSimulator(),
    startEmbeddedPostgres({ dataDir: folder, log }),
    startNats(place),
    startRedis(place),
  ]);
  pool = createPool({ url: postgres.url, log });
  const config = path.join(folder, 'gateway.yaml');
  const models = UPSTREAM_DIALECTS.map((id) => model(`quick/${id}`, [{ provider: id, model: 'sim-any;chunks=3' }]));
  const providers = UPSTREAM_DIALECTS.map((id) => provider(id, id, simulator.url));
  writeFileSync(config, JSON.stringify(gatewayConfig(providers, models)));
  const ring = (): string => `r1:${randomBytes(32).toString('base64')}`;
  env = {
    ...GATEWAY_ENV,
    ...{ NATS_URL: nats.url, REDIS_URL: redis.url, GATEWAY_CONFIG: config, KEK: ring(), KEY_PEPPER: ring() },
    ...{ SPOOL_DIR: path.join(folder, 'spool'), DRAIN_GRACE_MS: '0', DRAIN_MS: '5000' },
  };
});

afterAll(async () => {
  await Promise.all([...services].map((service) => service.stop('SIGKILL')));
  await pool?.end();
  await Promise.all([postgres?.stop(), nats?.stop(), redis?.stop(), simulator?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

async function ready(name: string, more: Record<string, string> = {}): Promise<RunningService> {
  const home = mkdtempSync(path.join(folder, `${name}-`));
  mkdirSync(home, { recursive: true });
  const service = await startService(name, home, { ...env, ...more });
  services.add(service);
  await eventually(`${name} is ready`, async () => (await fetch(`${service.adminUrl}/readyz`)).status === 200, 30_000);
  return service;
}

async function stop(service: RunningService): Promise<number | string> {
  services.delete(service);
  return service.stop();
}

const migrated = (more: Record<string, string> = {}) => runToEnd(MIGRATE, { DATABASE_URL: postgres.url, ...more }, []);

async function booked(): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('SELECT request_id AS id FROM usage ORDER BY request_id');
  return rows.map(({ id }) => id);
}

/** What `npm run ledger:verify` says. */
const verified = () => runToEnd(VERIFY, { DATABASE_URL: postgres.url }, []);

/** What an older release had in its tables beside usage, which is put there by its own statement. */
const ROWS = `
  INSERT INTO tenants (id, name, managed_by) VALUES ('older', 'Older', 'api');
  INSERT INTO api_keys (id, tenant_id, name, kind, permissions, models, origins, ips, logging, managed_by)
  VALUES ('key_older', 'older', 'older', 'service', '["llm"]', '[]', '[]', '[]', '{"requests":false,"prompts":false}', 'api');
  INSERT INTO audit_log (id, actor, action, resource_type, resource_id, tenant_id)
  VALUES ('aud_1', 'me', 'tenant.created', 'tenant', 'older', 'older');`;

/** Everything there is, but what this release adds. */
async function kept(): Promise<unknown> {
  const { rows } = await pool.query(`
    SELECT (SELECT jsonb_agg(to_jsonb(tenants) - 'updated_at') FROM tenants WHERE id = 'older') AS tenants,
           (SELECT jsonb_agg(to_jsonb(api_keys) - 'updated_at') FROM api_keys WHERE id = 'key_older') AS keys,
           (SELECT count(*) FROM audit_log WHERE id = 'aud_1') AS audit`);
  return rows[0];
}

test('an upgrade under load: nothing is lost, nothing is booked twice, and one step back everything still works', async () => {
  // The previous release: its schema, its data, its metering at work; an edge, which no database is known to, and the
  // catalog that its admin-api had published (from a database that is none of this test's).
  await pool.query('CREATE DATABASE elsewhere');
  expect((await migrateAsPreviousRelease(postgres.url, folder, log)).length).toBeGreaterThan(0);
  await pool.query(ROWS);
  const before = await kept();
  const older = new OlderMetering(postgres.url, 'older', log);
  await older.store(500);
  const elsewhere = { DATABASE_URL: postgres.url.replace(/\/[^/]*$/, '/elsewhere') };
  const publicPort = await freePort();
  const [publisher] = await Promise.all([
    ready('admin-api', elsewhere),
    ready('edge-api', { PORT: String(publicPort) }),
  ]);
  expect(await stop(publisher)).toBe(0);
  const url = `http://127.0.0.1:${publicPort}`;
  const calls = new ShortCalls({ url, keys: [KEY], model: (id) => `quick/${id}`, intervalMs: 100 });
  older.start();

  // The hook: twice at once, as a job that is tried again may be.
  const hooks = await Promise.all([migrated(), migrated()]);
  expect(hooks.map(({ code }) => code)).toEqual([0, 0]);
  const applied = hooks.flatMap(({ output }) => appliedOf(output));
  expect(applied).toEqual(newerMigrations());

  // The services, while those before are still at it.
  const [metering, admin] = await Promise.all([
    ready('metering', { DATABASE_URL: postgres.url }),
    ready('admin-api', { DATABASE_URL: postgres.url }),
  ]);
  const made = await calls.stop();
  expect(made.length).toBeGreaterThan(20);
  expect(made.filter(({ status, whole }) => status !== 200 || !whole)).toEqual([]);
  const requestIds = (): string[] => [...made.map((call) => call.requestId), ...older.requestIds].sort();
  await eventually('every call is booked', async () => (await booked()).length >= requestIds().length, 20_000);
  expect(older.faults).toEqual([]);
  expect(await kept()).toEqual(before);

  // One step back: metering of this release goes, that of the previous one stays, starts anew and goes on.
  expect(await Promise.all([stop(metering), stop(admin)])).toEqual([0, 0]);
  expect(await migrateAsPreviousRelease(postgres.url, folder, log)).toEqual([]);
  await older.store(100);
  await older.stop();
  expect(older.faults).toEqual([]);
  expect(await booked()).toEqual(requestIds());
  expect(await verified()).toEqual({ code: 0, output: expect.stringMatching(/^balanced: /) });
});

function appliedOf(output: string): string[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return lines.flatMap((line) => (JSON.parse(line) as { applied?: string[] }).applied ?? []);
}

test('the migrations end with 2 where they may simply be tried again, and with 1 where a person has to look', async () => {
  const nowhere = `postgresql://someone@127.0.0.1:${await freePort()}/some`;
  await pool.query('CREATE DATABASE half_way');
  const halfWay = postgres.url.replace(/\/[^/]*$/, '/half_way');
  const there = createPool({ url: halfWay, log });
  await there.query(`
    CREATE TABLE "_prisma_migrations" (migration_name TEXT, checksum TEXT, started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ,
                                       rolled_back_at TIMESTAMPTZ);
    INSERT INTO "_prisma_migrations" (migration_name) VALUES ('20261120170000_usage')`);
  await there.end();
  const holder = await pool.connect();
  await holder.query('SELECT pg_advisory_lock(72707369)');
  const [away, locked, failed] = await Promise.all([
    migrated({ DATABASE_URL: nowhere, MIGRATE_WAIT_MS: '500' }),
    migrated({ MIGRATE_WAIT_MS: '500' }),
    migrated({ DATABASE_URL: halfWay }),
  ]);
  holder.release(true);
  expect(away).toEqual({ code: 2, output: expect.stringMatching(/not to be had within 500 ms: connect ECONNREFUSED/) });
  expect(locked).toEqual({
    code: 2,
    output: expect.stringMatching(/another process has been migrating this database/),
  });
  expect(failed).toEqual({
    code: 1,
    output: expect.stringMatching(/"level":"fatal".*20261120170000_usage failed half-way/),
  });
});
