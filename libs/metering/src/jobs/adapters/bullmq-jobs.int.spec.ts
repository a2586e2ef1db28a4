import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  closeRedis,
  createLogger,
  createMetrics,
  type LocalServer,
  type Logger,
  openRedis,
  type Redis,
  startRedis,
} from '@switchboard/platform';
import { until } from '../../__fixtures__/waiting';
import type { Job } from '../job';
import { counting, describeJobRunner } from '../job-runner.conformance';
import { BullmqJobs, JOBS_PREFIX } from './bullmq-jobs';

jest.setTimeout(60_000);

const FIXTURES = path.join(__dirname, '../../spool/__fixtures__');
const HANGING = path.join(__dirname, '../__fixtures__/hanging-process.ts');
const quiet = createLogger({ level: 'silent', name: 'test' });
const LOCK_MS = 500;

let folder: string;
let server: LocalServer;
let redis: Redis;
let runners: BullmqJobs[];
let lines: Record<string, unknown>[];
let log: Logger;
const stray: unknown[] = [];
const note = (reason: unknown): void => void stray.push(reason);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-jobs-'));
  server = await startRedis({ folder, log: quiet });
  redis = openRedis({ url: server.url, log: quiet, name: 'test' });
  process.on('unhandledRejection', note).on('uncaughtException', note);
});

afterAll(async () => {
  process.off('unhandledRejection', note).off('uncaughtException', note);
  await closeRedis(redis);
  await server.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await until(() => redis.status === 'ready');
  await redis.flushall();
  runners = [];
  lines = [];
  log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(JSON.parse(line)) });
});

afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop()));
  // Either ends the process of a service.
  expect(stray).toEqual([]);
});

function start(jobs: Job[], redisUrl = server.url): BullmqJobs {
  const runner = new BullmqJobs({ redisUrl, jobs, log, metrics: createMetrics(), lockMs: LOCK_MS });
  runners.push(runner);
  runner.start();
  return runner;
}

const told = () => lines.map(({ msg }) => String(msg));

describeJobRunner((tools) => new BullmqJobs({ ...tools, redisUrl: server.url, lockMs: LOCK_MS }));

test('of two replicas one has each turn, and never both at once', async () => {
  const shared = counting('shared', 200, () => delay(30));
  start([shared]);
  start([shared]);
  await until(() => shared.counts.runs >= 3);
  const startedAt = performance.now();
  const before = shared.counts.runs;
  await until(() => shared.counts.runs >= before + 5);
  expect(performance.now() - startedAt).toBeGreaterThan(750);
  expect(shared.counts.atOnceMost).toBe(1);
});

test('a replica that starts later moves no turn', async () => {
  const seldom = counting('seldom', 3_600_000);
  start([seldom]);
  await until(() => seldom.counts.runs === 1);
  for (let restarts = 0; restarts < 3; restarts++) await start([seldom]).stop();
  const next = await redis.zscore(`${JOBS_PREFIX}:seldom:repeat`, 'seldom');
  expect(Math.abs(Number(next) - Date.now() - 3_600_000)).toBeLessThan(10_000);
  expect(seldom.counts.runs).toBe(1);
});

test('what a killed process had in hand another does, and what is told to end goes on elsewhere at once', async () => {
  const args = ['-r', path.join(FIXTURES, 'compile-on-require.cjs'), HANGING, server.url, String(LOCK_MS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const first = counting('orphan', 3_600_000, (signal) => once(signal, 'abort').then(() => undefined));
  const heir = start([first]);
  await delay(LOCK_MS);
  expect(first.counts.runs).toBe(0);
  child.kill('SIGKILL');
  await until(() => first.counts.runs === 1);
  const second = counting('orphan', 3_600_000);
  start([second]);
  await heir.stop();
  await until(() => second.counts.runs === 1, LOCK_MS);
});

test('a job that is there no longer is not scheduled any more, and leaves nothing behind', async () => {
  const [kept, gone] = [counting('kept', 50), counting('gone', 50)];
  const old = start([kept, gone]);
  await until(() => gone.counts.runs > 0);
  await old.stop();
  start([kept]);
  await until(() => told().includes('a job that is there no longer is not scheduled any more'));
  expect(await redis.keys(`${JOBS_PREFIX}:gone:*`)).toEqual([]);
  const before = kept.counts.runs;
  await until(() => kept.counts.runs > before);
});

test('runs that are over are kept in bounds', async () => {
  const often = counting('often', 10);
  start([often]);
  await until(() => often.counts.runs > 14);
  expect(await redis.zcard(`${JOBS_PREFIX}:often:completed`)).toBeLessThanOrEqual(11);
});

test.each([
  ['with what it knew', false],
  ['with nothing', true],
])('Redis that comes back %s: turns come again, and the outage is told once', async (_, forgets) => {
  const often = counting('often', 100);
  start([often]);
  await until(() => often.counts.runs > 2);
  const { port } = server;
  if (forgets) await redis.flushall();
  await server.stop('SIGKILL');
  await delay(500);
  const before = often.counts.runs;
  server = await startRedis({ folder, log: quiet, port });
  await until(() => often.counts.runs > before + 2);
  expect(told()).toEqual(['connected to redis', 'redis is away', 'redis is back']);
});

test('without Redis nothing fails: it starts, says so once, is healthy but for it, and stops at once', async () => {
  const often = counting('often', 100);
  const away = start([often], 'redis://127.0.0.1:1');
  await until(() => told().length > 0);
  await delay(300);
  expect(away.health.required).toBe(false);
  await expect(away.health.check()).rejects.toThrow('not connected');
  const startedAt = performance.now();
  await away.stop();
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  expect(told()).toEqual(['waiting for redis']);
});

test('a stop does not wait for a Redis that hangs', async () => {
  const often = counting('often', 100);
  const runner = start([often]);
  await until(() => often.counts.runs > 0);
  process.kill(server.pid, 'SIGSTOP');
  try {
    const startedAt = performance.now();
    await runner.stop();
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
});
