import { closeRedis, createLogger, openRedis, type Redis } from '@switchboard/platform';
import { RealWorld } from '../__fixtures__/real-world';
import { eventually, pause } from '../__fixtures__/waiting';
import { RedisEpoch } from './redis-epoch';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let world: RealWorld;
let redis: Redis;
let epoch: RedisEpoch;

beforeAll(async () => (world = await RealWorld.start()));
afterAll(() => world.stop());

beforeEach(() => {
  redis = openRedis({ url: world.redis.url, log, name: 'test' });
  epoch = new RedisEpoch(redis);
});

afterEach(() => closeRedis(redis));

const known = () => eventually(() => void epoch.current());
const unknown = () => expect(() => epoch.current()).toThrow('not connected to redis');

test('it is not known before there is a connection, nor while there is none', async () => {
  unknown();
  await known();
  await world.stopRedis();
  await eventually(unknown);
  await pause(300);
  unknown();
  await world.startRedis();
  await known();
});

test.each([
  ['with what it kept', false],
  ['without its data', true],
])('it is another after each start of the server, %s', async (_how, losesData) => {
  await known();
  const seen = [epoch.current()];
  for (let start = 0; start < 2; start++) {
    await world.stopRedis({ losesData });
    await world.startRedis();
    await eventually(unknown, 500).catch(() => undefined);
    await known();
    expect(seen).not.toContain(epoch.current());
    seen.push(epoch.current());
  }
});

test('it is the same for all who are connected, and after a new connection to the same server', async () => {
  await known();
  const before = epoch.current();
  const other = openRedis({ url: world.redis.url, log, name: 'other' });
  const others = new RedisEpoch(other);
  await eventually(() => expect(others.current()).toBe(before));
  redis.disconnect(true);
  await eventually(unknown);
  await known();
  expect(epoch.current()).toBe(before);
  await closeRedis(other);
});

test('whoever listens is told of every connection, once it is known where it leads, and at once where there is one', async () => {
  const told: string[] = [];
  epoch.onConnected(() => void told.push(epoch.current()));
  expect(told).toEqual([]);
  await eventually(() => expect(told).toHaveLength(1));
  const late: string[] = [];
  epoch.onConnected(() => void late.push(epoch.current()));
  expect(late).toEqual(told);
  await world.stopRedis();
  await world.startRedis();
  await eventually(() => expect(told).toHaveLength(2));
  expect(told[1]).not.toBe(told[0]);
  expect(late).toEqual(told);
});

test('a connection that was there before it is known as well', async () => {
  await known();
  const second = new RedisEpoch(redis);
  await eventually(() => expect(second.current()).toBe(epoch.current()));
});

test('a server that hung for a while is the same', async () => {
  await known();
  const before = epoch.current();
  process.kill(world.redis.pid, 'SIGSTOP');
  await pause(300);
  process.kill(world.redis.pid, 'SIGCONT');
  await pause(100);
  expect(epoch.current()).toBe(before);
});
