import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createLogger,
  startEmbeddedPostgres,
  startNats,
  startRedis,
  type EmbeddedPostgres,
  type LocalServer,
} from '@switchboard/platform';
import { startService, type RunningService } from '../service';
import { Gate, type GateState } from './gate';
import { send } from './http-exchange';
import { eventually } from './usage-ledger';

jest.setTimeout(120_000);

type Dependency = 'nats' | 'redis' | 'postgres';

/** Each service with each server it needs, and the words in which it waits for it. */
const DEPENDENCIES: [service: string, dependency: Dependency, waits: RegExp][] = [
  ['edge-api', 'nats', /^waiting for NATS/],
  ['router', 'nats', /^waiting for NATS/],
  ['rate-limit', 'nats', /^waiting for NATS/],
  ['rate-limit', 'redis', /^waiting for redis/],
  ['metering', 'nats', /^waiting for NATS/],
  ['metering', 'postgres', /^waiting for the database/],
  ['admin-api', 'nats', /^waiting for NATS/],
  ['admin-api', 'postgres', /^waiting for Postgres/],
];

const quiet = createLogger({ level: 'silent', name: 'test' });
const ring = (): string => `k1:${randomBytes(32).toString('base64')}`;
const secrets = { KEK: ring(), KEY_PEPPER: ring(), ADMIN_TOKEN: 'e2e-admin-token' };
/** By the word for it in a connection URL. */
const VARIABLES = { nats: 'NATS_URL', redis: 'REDIS_URL', postgres: 'DATABASE_URL' };

let folder: string;
let nats: LocalServer;
let redis: LocalServer;
let postgres: EmbeddedPostgres;
let publisher: RunningService;
const started: RunningService[] = [];
const gates: Gate[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-absent-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  nats = await startNats({ folder, log: quiet });
  redis = await startRedis({ folder, log: quiet });
  postgres = await startEmbeddedPostgres({ dataDir: folder, log: quiet });
  // An edge and a router wait for a catalog too, and this one publishes it.
  publisher = await startService('admin-api', folder, environment());
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.stop('SIGKILL')));
  await Promise.all(gates.splice(0).map((gate) => gate.become('closed')));
});

afterAll(async () => {
  await publisher?.stop();
  await postgres?.stop();
  await redis?.stop();
  await nats?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const urls = (): Record<Dependency, string> => ({ nats: nats.url, redis: redis.url, postgres: postgres.url });

function environment(): Record<string, string> {
  const servers = Object.entries(urls()).map(([name, url]) => [VARIABLES[name as Dependency], url]);
  // Nobody's balancer has to notice the end of these.
  return { ...secrets, DRAIN_GRACE_MS: '0', ...(Object.fromEntries(servers) as Record<string, string>) };
}

async function startBehind(service: string, dependency: Dependency, state: GateState) {
  const url = new URL(urls()[dependency]);
  const gate = await Gate.create(state, Number(url.port));
  gates.push(gate);
  url.port = String(gate.port);
  const env = { ...environment(), [VARIABLES[dependency]]: url.href };
  const running = await startService(service, folder, env);
  started.push(running);
  return { gate, running };
}

async function readiness({ adminUrl }: RunningService): Promise<{ status: number; down: string[] }> {
  const { status, text } = await send(adminUrl, { path: '/readyz' });
  const { checks } = JSON.parse(text) as { checks: Record<string, { status: string }> };
  return { status, down: Object.keys(checks).filter((name) => checks[name]?.status === 'down') };
}

/** While it starts its checks are not known yet. */
async function untilUnready(running: RunningService, dependency: Dependency): Promise<void> {
  await eventually(`it is not ready for want of ${dependency}`, async () => {
    const { status, text } = await send(running.adminUrl, { path: '/readyz' });
    expect(status).toBe(503);
    return text.includes(dependency);
  });
}

const waitsOf = (running: RunningService, words: RegExp) => running.log().filter(({ text }) => words.test(text));

async function expectPromptEnd(running: RunningService): Promise<void> {
  const toldAtMs = performance.now();
  expect(await running.stop()).toBe(0);
  // Eight processes end at once here; a supervisor waits ten seconds and more.
  expect(performance.now() - toldAtMs).toBeLessThan(8_000);
}

describe.each(DEPENDENCIES)('%s without %s at its start', (service, dependency, words) => {
  test('waits, says so once, and works as soon as it is there', async () => {
    const { gate, running } = await startBehind(service, dependency, 'closed');
    await untilUnready(running, dependency);
    await eventually('it says what it waits for', () => waitsOf(running, words).length > 0);
    await delay(2_000);
    expect((await send(running.adminUrl, { path: '/healthz' })).status).toBe(200);
    const { status, down } = await readiness(running);
    expect([status, down]).toEqual([503, expect.arrayContaining([dependency])]);
    expect(waitsOf(running, words).map(({ level }) => level)).toEqual(['warn']);
    const others = running.log().filter(({ level, text }) => level !== 'info' && text !== 'not ready');
    // What follows from the absence is told once, too.
    expect(others.map(({ text }) => text)).toEqual([...new Set(others.map(({ text }) => text))]);
    await gate.become('open');
    await eventually('it is ready', async () => (await readiness(running)).status === 200, 15_000);
    expect(waitsOf(running, words)).toHaveLength(1);
    expect(await running.stop()).toBe(0);
  });

  test('ends at once when it is told to while it waits', async () => {
    const { running } = await startBehind(service, dependency, 'closed');
    await untilUnready(running, dependency);
    await expectPromptEnd(running);
  });
});

test('a server that takes connections and says nothing is waited for just the same', async () => {
  const waiting = DEPENDENCIES.map(async ([service, dependency, words]) => {
    const { running } = await startBehind(service, dependency, 'silent');
    await untilUnready(running, dependency);
    expect((await send(running.adminUrl, { path: '/healthz' })).status).toBe(200);
    const told = `${service} says that it waits for ${dependency}`;
    await eventually(told, () => waitsOf(running, words).length > 0, 20_000);
    await expectPromptEnd(running);
  });
  await Promise.all(waiting);
});
