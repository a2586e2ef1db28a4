import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeRedis, createLogger, type LocalServer, openRedis, type Redis, startRedis } from '@switchboard/platform';
import { reservation, settlement } from '../__fixtures__/reservation';
import { reservationsConformance } from '../reservations.conformance';
import { RedisReservations } from './redis-reservations';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let folder: string;
let server: LocalServer;
let redis: Redis;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-rate-limit-'));
  server = await startRedis({ folder, log });
  redis = openRedis({ url: server.url, log, name: 'test' });
  await new Promise((resolve) => redis.once('ready', resolve));
});

afterAll(async () => {
  await closeRedis(redis);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

reservationsConformance((settings) => new RedisReservations(redis, settings));

test("all of a key's state is under our prefix, in one slot, and expires by itself", async () => {
  await redis.flushall();
  const reservations = new RedisReservations(redis, { ttlMs: 5_000 });
  await reservations.reserve(reservation('req_1'));
  await reservations.reserve(reservation('req_2'));
  await reservations.settle(settlement('req_2'));
  const keys = await redis.keys('*');
  expect(keys.sort()).toEqual([
    'sb:{key_1}:minute',
    'sb:{key_1}:open',
    'sb:{key_1}:reservation:req_1',
    'sb:{key_1}:reservation:req_2',
  ]);
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
  expect(await redis.pttl('sb:{key_1}:reservation:req_1')).toBeLessThanOrEqual(5_000);
  expect(JSON.parse((await redis.get('sb:{key_1}:reservation:req_1'))!)).toEqual({
    requestId: 'req_1',
    keyId: 'key_1',
    tenantId: 'acme',
    model: 'm',
    startedAtMs: 1,
  });
});

test('a server that forgot the scripts is told them again', async () => {
  const reservations = new RedisReservations(redis);
  await reservations.reserve(reservation('forgotten_1', 'key_f'));
  await redis.script('FLUSH');
  await reservations.reserve(reservation('forgotten_2', 'key_f'));
  expect((await reservations.state('key_f')).open).toBe(2);
});

test('what expired is not kept with what is open', async () => {
  let nowMs = 1_000_000;
  const reservations = new RedisReservations(redis, { ttlMs: 5_000, now: () => nowMs });
  await reservations.reserve(reservation('old_1', 'key_e'));
  nowMs += 5_000;
  await reservations.reserve(reservation('new_1', 'key_e'));
  expect(await redis.zrange('sb:{key_e}:open', 0, -1)).toEqual(['new_1']);
});
