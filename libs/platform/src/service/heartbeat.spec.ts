import { setTimeout as delay } from 'node:timers/promises';
import { type Bucket, BUCKETS, type Bus, BusUnavailableError } from '@switchboard/contracts';
import { createLocalBus } from '../bus/local-bus';
import { createLogger } from '../logging/logger';
import { Heartbeat } from './heartbeat';
import { Readiness } from './readiness';

const lines: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(line) });
const quiet = createLogger({ level: 'silent', name: 'test' });
const subject = { service: 'router', instance: 'r-1', version: '1.0.0' };

/** The bus in memory, but for what its buckets do when written to. */
function busThat(write: Pick<Bucket, 'put' | 'delete'>): Pick<Bus, 'bucket' | 'onConnected'> {
  const bus = createLocalBus({ log: quiet });
  const bucket = bus.bucket(BUCKETS.services);
  const altered: Bucket = {
    ...write,
    get: (key) => bucket.get(key),
    create: (key, value) => bucket.create(key, value),
    update: (key, value, revision) => bucket.update(key, value, revision),
    keys: () => bucket.keys(),
    watch: (watcher) => bucket.watch(watcher),
  };
  return { onConnected: (listener) => bus.onConnected(listener), bucket: () => altered };
}

afterEach(() => {
  lines.length = 0;
});

test('it is there from the first moment, and gone when stopped', async () => {
  const bus = createLocalBus({ log: quiet });
  const heartbeat = new Heartbeat(bus, subject, new Readiness([], quiet), log);
  await delay(50);
  const bucket = bus.bucket(BUCKETS.services);
  expect((await bucket.get('router.r-1'))?.value).toBeDefined();
  await heartbeat.stop();
  await heartbeat.stop();
  expect((await bucket.get('router.r-1'))?.value).toBeUndefined();
  await delay(600);
  expect(await bucket.keys()).toEqual([]);
});

test('a bus that is away is no fault: nothing is logged, and the stop does not wait', async () => {
  const away = () => Promise.reject(new BusUnavailableError('away'));
  const heartbeat = new Heartbeat(busThat({ put: away, delete: away }), subject, new Readiness([], quiet), log);
  await delay(50);
  await heartbeat.stop();
  expect(lines).toEqual([]);
});

test('another failure is told once, not at every beat', async () => {
  let down = false;
  const check = () => (down ? Promise.reject(new Error('down')) : Promise.resolve());
  const readiness = new Readiness([{ name: 'nats', required: true, check }], quiet);
  const full = () => Promise.reject(new Error('no space left'));
  const heartbeat = new Heartbeat(busThat({ put: full, delete: full }), subject, readiness, log);
  await delay(50);
  down = true;
  await delay(700);
  await heartbeat.stop();
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['the heartbeat cannot be written']);
});

test('a bus that neither stores nor refuses holds up the stop for a second at most', async () => {
  const never = () => new Promise<never>(() => undefined);
  const heartbeat = new Heartbeat(busThat({ put: never, delete: never }), subject, new Readiness([], quiet), log);
  await delay(20);
  const startedAt = performance.now();
  await heartbeat.stop();
  expect(performance.now() - startedAt).toBeLessThan(1_200);
});
