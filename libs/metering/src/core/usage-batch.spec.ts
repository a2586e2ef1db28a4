import { parseUsageBatch } from '@switchboard/contracts';
import { event, ids } from '../__fixtures__/usage-events';
import { encodeRecord, type HeldUsage, takeMessage } from './usage-batch';
import { UsageBuffer } from './usage-buffer';

function bufferOf(...events: HeldUsage['record'][]): UsageBuffer<HeldUsage> {
  const buffer = new UsageBuffer<HeldUsage>(10_000);
  // Some of them come from the spool, which has their text.
  events.forEach((record, index) => {
    buffer.offer({ record, json: index % 2 === 0 ? encodeRecord(record) : undefined });
  });
  return buffer;
}

const recordsOf = (held: readonly HeldUsage[]) => held.map(({ record }) => record);

test('a message holds up to 200 records, as they are', () => {
  const events = ids(201).map((id) => event(id));
  const buffer = bufferOf(...events);
  const { records, payload } = takeMessage(buffer);
  expect(recordsOf(records)).toEqual(events.slice(0, 200));
  expect(parseUsageBatch(payload)).toEqual({ events: events.slice(0, 200), faults: [] });
  expect(buffer.waiting).toBe(1);
});

test('a message holds up to 256 KiB, in bytes and not in characters', () => {
  const buffer = bufferOf(...ids(200).map((id) => event(id, { endUser: '€'.repeat(2_000) })));
  const sizes: number[] = [];
  while (buffer.waiting > 0) {
    const { records, payload } = takeMessage(buffer);
    expect(parseUsageBatch(payload).events).toEqual(recordsOf(records));
    sizes.push(payload.byteLength);
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024 + 20);
  expect(sizes).toHaveLength(6);
});

test('a record too large for any message is shortened, says so, and is billed as it was', () => {
  const feature = '\0'.repeat(5_000);
  const losses = Array.from({ length: 5_000 }, (_, index) => ({ feature, path: `messages[${index}]` }));
  const huge = event('req_huge', { losses, endUser: 'x'.repeat(300_000) });
  const { records, payload } = takeMessage(bufferOf(huge));
  expect(recordsOf(records)).toEqual([huge]);
  expect(payload.byteLength).toBeLessThan(900_000);
  const [read] = parseUsageBatch(payload).events;
  expect(read).toMatchObject({ requestId: 'req_huge', usage: huge.usage, costNanoUsd: huge.costNanoUsd });
  expect(read?.endUser).toHaveLength(1_000);
  expect(read?.losses).toHaveLength(201);
  expect(read?.losses.at(-1)).toEqual({ feature: 'record.shortened', path: '4800 more' });
});
