import { setTimeout as delay } from 'node:timers/promises';
import { parseUsageBatch, STREAMS } from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, type Metrics } from '@switchboard/platform';
import { interruptible, type InterruptibleBus } from './__fixtures__/interruptible-bus';
import { event, ids } from './__fixtures__/usage-events';
import { metricOf, until } from './__fixtures__/waiting';
import { createUsagePublisher, type UsagePublisher } from './client';

let logged: string[];
let bus: InterruptibleBus;
let metrics: Metrics;
let publisher: UsagePublisher;
/** Request ids, as they come out of the stream. */
let stored: string[];

function open(capacity?: number): void {
  logged = [];
  stored = [];
  metrics = createMetrics();
  const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
  bus = interruptible(createLocalBus({ log }));
  bus.consume(STREAMS.usage, 'reader', { sizeMax: 100, waitMs: 0 }, (messages) => {
    for (const { payload } of messages)
      stored.push(...parseUsageBatch(payload).events.map(({ requestId }) => requestId));
    return Promise.resolve();
  });
  publisher = createUsagePublisher({ bus, log, metrics, ...(capacity !== undefined && { capacity }) });
}

beforeEach(() => open());

afterEach(async () => {
  await publisher.close();
  await bus.close();
});

const lines = (text: string): string[] => logged.filter((line) => line.includes(text));

test('a record is in the stream soon, without a drain being asked for, and leaves the memory', async () => {
  publisher.record(event('req_1'));
  expect(publisher.buffered).toBe(1);
  await until(() => stored.length === 1, 500);
  expect(JSON.parse(bus.appends[0]!.payload)).toEqual({ events: [event('req_1')] });
  await until(() => publisher.buffered === 0);
  expect(await metricOf(metrics, 'usage_published_total')).toBe(1);
});

test('record leaves the publishing to a later turn, also when a message is full', () => {
  for (const id of ids(1_000)) publisher.record(event(id));
  expect(bus.appends).toEqual([]);
});

test('records that come together travel together, 200 to a message, four messages at a time', async () => {
  bus.latencyMs = 20;
  for (const id of ids(2_050)) publisher.record(event(id));
  expect(await publisher.drain(5_000)).toBe(0);
  expect(bus.appends.map(({ payload }) => JSON.parse(payload).events.length)).toEqual([...Array(10).fill(200), 50]);
  expect(bus.concurrency).toBe(4);
  await until(() => stored.length === 2_050);
  expect(new Set(stored)).toEqual(new Set(ids(2_050)));
});

test('a message whose confirmation is lost is sent again as it was, under the same id, and stored once', async () => {
  bus.fault = 'unconfirmed';
  publisher.record(event('req_1'));
  await until(() => bus.appends.length === 1);
  publisher.record(event('req_2'));
  await until(() => bus.appends.length >= 4);
  expect(publisher.buffered).toBe(2);
  bus.fault = 'none';
  expect(await publisher.drain(5_000)).toBe(0);
  expect(new Set(bus.appends.map(({ payload, dedupeId }) => `${dedupeId} ${payload}`)).size).toBe(2);
  expect(new Set(bus.appends.map(({ dedupeId }) => dedupeId)).size).toBe(2);
  await until(() => stored.length === 2);
  await delay(50);
  expect(stored.sort()).toEqual(['req_1', 'req_2']);
});

test('while the stream is away records wait, and leave at once when it is back; the log says so twice', async () => {
  bus.fault = 'away';
  for (const id of ids(1_000)) publisher.record(event(id));
  // By then the next attempt is more than a second away.
  await until(() => bus.appends.length >= 16, 5_000);
  await delay(50);
  const attempts = bus.appends.length;
  expect([publisher.buffered, stored]).toEqual([1_000, []]);
  bus.reconnect();
  await until(() => publisher.buffered === 0, 300);
  await until(() => stored.length === 1_000);
  expect(bus.appends.length).toBe(attempts + 5);
  expect(lines('cannot be published')).toHaveLength(1);
  expect(lines('are published again')).toHaveLength(1);
  expect(await metricOf(metrics, 'usage_publish_failures_total')).toBe(attempts);
});

test('it also gets through when nobody tells of a reconnection', async () => {
  bus.fault = 'away';
  publisher.record(event('req_1'));
  await until(() => bus.appends.length >= 2);
  bus.fault = 'none';
  await until(() => stored.length === 1, 3_000);
});

test('a full buffer drops the newest, loudly: each is counted, the log is not flooded', async () => {
  await publisher.close();
  open(10);
  bus.fault = 'away';
  for (const id of ids(5)) publisher.record(event(id));
  // Those under way still take room.
  await until(() => bus.appends.length > 0);
  for (const id of ids(100).slice(5)) publisher.record(event(id));
  expect(publisher.buffered).toBe(10);
  expect(await metricOf(metrics, 'usage_dropped_total')).toBe(90);
  expect(await metricOf(metrics, 'usage_buffered_records')).toBe(10);
  expect(lines('are being LOST')).toHaveLength(1);
  bus.reconnect();
  expect(await publisher.drain(5_000)).toBe(0);
  await until(() => stored.length === 10);
  expect(stored.sort()).toEqual(ids(10));
});

test('a drain resolves when the stream has confirmed everything, what came meanwhile included', async () => {
  bus.latencyMs = 30;
  for (const id of ids(900)) publisher.record(event(id));
  const drained = publisher.drain(5_000);
  await delay(20);
  publisher.record(event('req_late'));
  expect(await drained).toBe(0);
  expect([publisher.buffered, new Set(bus.appends.flatMap(({ payload }) => JSON.parse(payload).events)).size]).toEqual([
    0, 901,
  ]);
});

test('a drain with nothing to do does not wait', async () => {
  const startedAt = performance.now();
  expect(await publisher.drain(5_000)).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(100);
});

test('a drain that runs out of time says how many are left, and each is in the log, whole', async () => {
  bus.fault = 'away';
  for (const id of ids(203)) publisher.record(event(id));
  const startedAt = performance.now();
  expect(await publisher.drain(200)).toBe(203);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  const told = lines('could not be stored in time').map((line) => JSON.parse(line).event);
  expect(told.sort((a, b) => Number(a.requestId.slice(4)) - Number(b.requestId.slice(4)))).toEqual(
    ids(203).map((id) => event(id)),
  );
});

test('a record that comes after the close is dropped, loudly', async () => {
  await publisher.close();
  publisher.record(event('req_1'));
  expect(await metricOf(metrics, 'usage_dropped_total')).toBe(1);
  expect(lines('are being LOST')).toHaveLength(1);
});

test('a close while the stream is away does not wait for it', async () => {
  bus.fault = 'away';
  publisher.record(event('req_1'));
  await until(() => bus.appends.length >= 2);
  const startedAt = performance.now();
  await publisher.close();
  expect(performance.now() - startedAt).toBeLessThan(500);
});
