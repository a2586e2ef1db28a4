import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseUsageBatch, STREAMS, type UsageRecordedV1 } from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, type Metrics } from '@switchboard/platform';
import { interruptible, type InterruptibleBus } from './__fixtures__/interruptible-bus';
import { event, ids } from './__fixtures__/usage-events';
import { metricOf, until } from './__fixtures__/waiting';
import { createUsagePublisher, type UsagePublisher, UsageSpool } from './client';
import { intent } from './spool/__fixtures__/intents';

// They wait for a disk that others wait for too.
jest.setTimeout(30_000);

let dir: string;
let logged: string[];
let bus: InterruptibleBus;
/** As they come out of the stream. */
let stored: UsageRecordedV1[];
let edges: Edge[];

interface Edge {
  publisher: UsagePublisher;
  metrics: Metrics;
}

const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'switchboard-publisher-'));
  [logged, stored, edges] = [[], [], []];
  bus = interruptible(createLocalBus({ log }));
  bus.consume(STREAMS.usage, 'reader', { sizeMax: 100, waitMs: 0 }, (messages) => {
    for (const { payload } of messages) stored.push(...parseUsageBatch(payload).events);
    return Promise.resolve();
  });
});

afterEach(async () => {
  for (const { publisher } of edges) await publisher.close();
  await bus.close();
  rmSync(dir, { recursive: true, force: true });
});

async function open(capacity = 50_000): Promise<Edge> {
  const metrics = createMetrics();
  const spool = await UsageSpool.open({ dir, bytesMax: 64 * 1024 * 1024, log, metrics, adoptIntervalMs: 50 });
  const edge = { publisher: createUsagePublisher({ bus, log, metrics, capacity, spool }), metrics };
  edges.push(edge);
  return edge;
}

/** As a kill leaves it: closed without a word to the stream, and its folder names a process that is no more. */
async function kill({ publisher }: Edge): Promise<void> {
  await publisher.close();
  for (const name of readdirSync(dir))
    renameSync(path.join(dir, name), path.join(dir, `${2 ** 30}-0123456789abcdef-00000000.v1`));
}

const idsOf = (events: readonly UsageRecordedV1[]): string[] => events.map(({ requestId }) => requestId).sort();

test('whoever is told that a record is kept finds it on disk', async () => {
  const { publisher } = await open();
  const [requestId = ''] = ids(1);
  const onDisk = (): string =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
      .join('');
  const found = await new Promise<boolean>((resolve) =>
    publisher.record(event(requestId), () => resolve(onDisk().includes(requestId))),
  );
  expect(found).toBe(true);
});

test('what the stream has confirmed is not in the spool', async () => {
  const { publisher, metrics } = await open();
  for (const id of ids(500)) {
    publisher.begin(intent(id), () => undefined);
    publisher.record(event(id));
  }
  expect(await publisher.drain(5_000)).toBe(0);
  expect(await metricOf(metrics, 'usage_spool_records')).toBe(0);
  await publisher.close();
  expect(readdirSync(dir)).toEqual([]);
});

test('usage of an edge that was killed while the stream was away is published by the next, as it was, and calls under way as orphans', async () => {
  bus.fault = 'away';
  const first = await open();
  for (const id of ids(700)) {
    first.publisher.begin(intent(id), () => undefined);
    if (id !== 'req_699') first.publisher.record(event(id));
  }
  await until(() => bus.appends.length > 0);
  await kill(first);

  // The next one starts into the same outage.
  const next = await open();
  await delay(200);
  expect(stored).toEqual([]);
  bus.reconnect();
  await until(() => stored.length === 700);
  await delay(200);
  expect(idsOf(stored)).toEqual([...ids(700)].sort());
  const exact = stored.filter(({ accuracy }) => accuracy === 'exact');
  expect(exact.find(({ requestId }) => requestId === 'req_7')).toEqual(event('req_7'));
  expect(exact).toHaveLength(699);
  await until(() => readdirSync(dir).length === 1);
  expect(await metricOf(next.metrics, 'usage_spool_records')).toBe(0);
});

test('an edge killed after the stream had its usage, and before it knew, has it published twice under one request id', async () => {
  bus.fault = 'unconfirmed';
  const first = await open();
  first.publisher.record(event('req_1'));
  await until(() => stored.length === 1);
  await kill(first);
  bus.fault = 'none';
  await open();
  await until(() => stored.length === 2);
  expect(stored).toEqual([event('req_1'), event('req_1')]);
});

test('what memory has no room for is not lost: it waits in the spool, and is published when there is', async () => {
  bus.fault = 'away';
  const { publisher, metrics } = await open(50);
  for (const id of ids(1_000)) publisher.record(event(id));
  expect(publisher.buffered).toBe(50);
  expect(await metricOf(metrics, 'usage_dropped_total')).toBe(0);
  expect(logged.filter((line) => line.includes('LOST'))).toEqual([]);
  await delay(100);
  bus.reconnect();
  await until(() => new Set(idsOf(stored)).size === 1_000);
  expect(idsOf(stored)).toEqual([...ids(1_000)].sort());
});

test('a clean stop that the stream was away for leaves the rest to the next edge', async () => {
  bus.fault = 'away';
  const first = await open();
  for (const id of ids(30)) first.publisher.record(event(id));
  expect(await first.publisher.drain(100)).toBe(30);
  await kill(first);
  bus.fault = 'none';
  await open();
  await until(() => stored.length === 30);
});
