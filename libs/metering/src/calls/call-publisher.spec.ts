import { parseCallBatch, STREAMS } from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, type Metrics } from '@switchboard/platform';
import { interruptible, type InterruptibleBus } from '../__fixtures__/interruptible-bus';
import { metricOf, until } from '../__fixtures__/waiting';
import { call } from './__fixtures__/calls';
import type { BufferedCallLog } from './call-intake';
import { createCallPublisher } from './call-publisher';

let logged: string[];
let bus: InterruptibleBus;
let metrics: Metrics;
let calls: BufferedCallLog;
/** Request ids, as they come out of the stream. */
let stored: string[];

async function open(bounds: { callsMax?: number; bytesMax?: number } = {}): Promise<void> {
  await calls?.close();
  [logged, stored] = [[], []];
  metrics = createMetrics();
  const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
  bus = interruptible(createLocalBus({ log }));
  bus.consume(STREAMS.calls, 'reader', { sizeMax: 100, waitMs: 0 }, (messages) => {
    for (const { payload } of messages) stored.push(...parseCallBatch(payload).calls.map(({ requestId }) => requestId));
    return Promise.resolve();
  });
  calls = createCallPublisher({ bus, log, metrics, ...bounds });
}

const lines = (text: string): string[] => logged.filter((line) => line.includes(text));
const record = (count: number, prompt?: string): void => {
  for (let index = 0; index < count; index++)
    calls.record(call(`req_${index}`, prompt === undefined ? {} : { prompt }));
};

beforeEach(() => open());

afterEach(async () => {
  await calls.close();
  await bus.close();
});

test('calls are in the stream soon, together, without being asked for and never within the call that brought them', async () => {
  record(450);
  expect(bus.appends).toEqual([]);
  await until(() => stored.length === 450, 1_000);
  await until(() => calls.buffered === 0);
  expect(bus.appends.map(({ payload }) => JSON.parse(payload).calls.length)).toEqual([200, 200, 50]);
});

test('a message whose confirmation is lost is sent again as it was, under the same id', async () => {
  bus.fault = 'unconfirmed';
  record(1);
  await until(() => bus.appends.length >= 2);
  bus.fault = 'none';
  expect(await calls.drain(5_000)).toBe(0);
  expect(new Set(bus.appends.map(({ dedupeId, payload }) => `${dedupeId} ${payload}`)).size).toBe(1);
  await until(() => stored.length > 0);
  expect(stored).toEqual(['req_0']);
});

test('no message outgrows the bus, whatever stands in prompts', async () => {
  record(12, '\u0001'.repeat(64 * 1024));
  expect(await calls.drain(10_000)).toBe(0);
  for (const { payload } of bus.appends) expect(Buffer.byteLength(payload)).toBeLessThan(700_000);
  await until(() => stored.length === 12);
});

test.each([
  ['calls', { callsMax: 10 }, undefined],
  ['bytes', { bytesMax: 10 * 9_000 }, 'x'.repeat(3_988)],
])('a memory full of %s drops the newest, counted, and told once a second', async (_, bounds, prompt) => {
  await open(bounds);
  bus.fault = 'away';
  record(100, prompt);
  expect(calls.buffered).toBe(10);
  expect(await metricOf(metrics, 'call_log_dropped_total')).toBe(90);
  expect(await metricOf(metrics, 'call_log_buffered')).toBe(10);
  expect(lines('are missing in the call log')).toHaveLength(1);
  await until(() => bus.appends.length > 0);
  bus.reconnect();
  expect(await calls.drain(5_000)).toBe(0);
  await until(() => stored.length === 10);
  // What is kept makes room again.
  record(1);
  expect(await calls.drain(5_000)).toBe(0);
  expect(await metricOf(metrics, 'call_log_dropped_total')).toBe(90);
});

test('a drain that runs out of time says how many are left; they are counted, and no prompt is in the log', async () => {
  bus.fault = 'away';
  record(3, 'the moon is made of cheese');
  expect(await calls.drain(50)).toBe(3);
  expect(await metricOf(metrics, 'call_log_dropped_total')).toBe(3);
  expect(lines('could not be kept in the call log in time')).toHaveLength(1);
  expect(lines('cheese')).toEqual([]);
});
