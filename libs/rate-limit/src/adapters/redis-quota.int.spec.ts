import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeRedis, createLogger, type LocalServer, openRedis, type Redis, startRedis } from '@switchboard/platform';
import { bounds, reservation, settlement } from '../__fixtures__/reservation';
import type { QuotaSettings } from '../core/quota';
import { quotaConformance } from '../quota.conformance';
import { RedisQuota } from './redis-quota';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let folder: string;
let server: LocalServer;
let redis: Redis;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-quota-'));
  server = await startRedis({ folder, log });
  redis = openRedis({ url: server.url, log, name: 'test' });
  await new Promise((resolve) => redis.once('ready', resolve));
});

afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const open = (settings: QuotaSettings, epoch = 'e1') => new RedisQuota({ ...settings, redis, epoch: () => epoch });

quotaConformance((settings) => open(settings));

const budgeted = [
  bounds('key:k', { limits: { rpm: 10 }, budgets: [{ id: 'budget', nanoUsd: 1_000, period: 'month' }] }),
];

test("all of a group's state is under our prefix, in one slot, and expires by itself", async () => {
  await redis.flushall();
  const quota = open({ leaseMs: 5_000 });
  const [first, second] = [reservation('a', { scopes: budgeted }), reservation('b', { scopes: budgeted })];
  await quota.prime({ group: 'tenant:acme', scope: 'key:k', id: 'budget', period: 'month', periodStartMs: 0 }, 0);
  await quota.reserve(first);
  await quota.reserve(second);
  await quota.settle(settlement(second));
  const keys = await redis.keys('*');
  expect(keys.sort()).toEqual([
    'sb:groups',
    'sb:{tenant:acme}:leases',
    'sb:{tenant:acme}:money:budget:key:k',
    'sb:{tenant:acme}:open:key:k',
    'sb:{tenant:acme}:rates:key:k',
    'sb:{tenant:acme}:reservation:a',
    'sb:{tenant:acme}:reservation:b',
  ]);
  for (const key of keys.filter((name) => !/groups$|leases$/.test(name)))
    expect(await redis.pttl(key)).toBeGreaterThan(0);
});

test("without a clock of ours the server's own is used", async () => {
  const quota = open({ leaseMs: 5_000 });
  const scopes = [bounds('key:own-clock', { limits: { rpm: 60 } })];
  await quota.reserve(reservation('clock-1', { scopes }));
  const { scopes: before } = await quota.state({ group: 'tenant:acme', scopes });
  expect(before[0]).toMatchObject({ open: 1, rates: { requests: { remaining: 59 } } });
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  const { scopes: after } = await quota.state({ group: 'tenant:acme', scopes });
  expect(after[0]?.rates.requests?.remaining).toBe(60);
});

test('a server that forgot the scripts is told them again', async () => {
  const quota = open({ leaseMs: 5_000 });
  const scopes = [bounds('key:forgetful')];
  await quota.reserve(reservation('forgotten-1', { scopes }));
  await redis.script('FLUSH');
  await quota.reserve(reservation('forgotten-2', { scopes }));
  expect((await quota.state({ group: 'tenant:acme', scopes })).scopes[0]?.open).toBe(2);
});

test('after a restart of the server spending is unknown, and what is open counts as held once it is told', async () => {
  const scopes = [bounds('key:epochs', { budgets: [{ id: 'budget', nanoUsd: 1_000, period: 'total' }] })];
  const budget = {
    group: 'tenant:acme',
    scope: 'key:epochs',
    id: 'budget',
    period: 'total',
    periodStartMs: 0,
  } as const;
  const [first, second] = [reservation('epoch-1', { scopes }), reservation('epoch-2', { scopes })];
  const before = open({ leaseMs: 5_000 });
  await before.prime(budget, 0);
  await before.reserve(first);
  await before.reserve(second);
  await before.settle(settlement(second, { nanoUsd: 7 }));
  const after = open({ leaseMs: 5_000 }, 'e2');
  const third = reservation('epoch-3', { scopes });
  expect(await after.reserve(third)).toEqual({ outcome: 'unprimed', budgets: [budget] });
  await after.prime(budget, 107);
  expect((await after.state({ group: 'tenant:acme', scopes })).scopes[0]?.budgets).toMatchObject([
    { spentNanoUsd: 107, heldNanoUsd: 100 },
  ]);
  await after.settle(settlement(first, { nanoUsd: 50 }));
  expect((await after.state({ group: 'tenant:acme', scopes })).scopes[0]?.budgets).toMatchObject([
    { spentNanoUsd: 157, heldNanoUsd: 0 },
  ]);
});

test('a settlement that names other scopes than the reservation is an error, and changes nothing', async () => {
  const quota = open({ leaseMs: 5_000 });
  const request = reservation('odd', { scopes: [bounds('key:odd')] });
  await quota.reserve(request);
  const odd = { ...settlement(request), scopes: [{ scope: 'key:odd', budgets: ['budget' as const] }] };
  await expect(quota.settle(odd)).rejects.toThrow('keys and scopes differ');
  expect(await quota.settle(settlement(request))).toBe('done');
});

test('of replicas that look for what is due at once, one gets each, and its money counts once', async () => {
  let nowMs = Date.parse('2026-11-20T10:00:00Z');
  const replicas = [0, 1, 2].map(() => open({ leaseMs: 5_000, now: () => nowMs }));
  const [quota] = replicas as [RedisQuota];
  const group = 'tenant:swept';
  const scopes = [bounds('key:swept', { budgets: [{ id: 'budget', nanoUsd: 9_000, period: 'total' }] })];
  await quota.prime({ group, scope: 'key:swept', id: 'budget', period: 'total', periodStartMs: 0 }, 0);
  const names = Array.from({ length: 20 }, (_, index) => `swept-${index}`);
  for (const name of names) await quota.reserve(reservation(name, { group, scopes }));
  nowMs += 5_000;
  const orphans = (await Promise.all(replicas.map((replica) => replica.expire(group)))).flat();
  expect(orphans.map(({ request }) => request.requestId).sort()).toEqual(names.sort());
  expect((await quota.state({ group, scopes })).scopes[0]?.budgets).toMatchObject([
    { spentNanoUsd: 2_000, heldNanoUsd: 0 },
  ]);
});
