import { parseTraceparent, parseUsageBatch } from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, type FinishedSpan } from '@switchboard/platform';
import { interruptible } from './__fixtures__/interruptible-bus';
import { event } from './__fixtures__/usage-events';
import { createUsagePublisher } from './client';
import { UsageSpans } from './usage-spans';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const traceparent = `00-${TRACE}-${SPAN}-01`;

const recorded = (): { spans: FinishedSpan[]; sink: { record(span: FinishedSpan): void } } => {
  const spans: FinishedSpan[] = [];
  return { spans, sink: { record: (span) => void spans.push(span) } };
};

test('a message tells each traced call of the span that sent it, and the others nothing', async () => {
  const { spans, sink } = recorded();
  const log = createLogger({ level: 'silent', name: 'test' });
  const bus = interruptible(createLocalBus({ log }));
  const publisher = createUsagePublisher({ bus, log, metrics: createMetrics(), spans: sink });
  publisher.record(event('req_1'));
  publisher.record(event('req_2', { traceparent }));
  publisher.record(event('req_3', { traceparent: 'garbage' }));
  expect(await publisher.drain(5_000)).toBe(0);
  await publisher.close();
  const { events, faults } = parseUsageBatch(Buffer.from(bus.appends[0]!.payload));
  await bus.close();
  expect(faults).toEqual([]);
  expect(spans).toMatchObject([
    {
      ...{ traceId: TRACE, parentSpanId: SPAN, kind: 'producer', name: 'send switchboard.usage.v1.recorded' },
      attributes: { 'messaging.batch.message_count': 3, 'messaging.operation.type': 'send' },
    },
  ]);
  expect(events.map((each) => each.traceparent)).toEqual([undefined, `00-${TRACE}-${spans[0]!.spanId}-01`, 'garbage']);
});

test('what is stored has a span below its message, and one for the database, with the times of its batch', () => {
  const { spans, sink } = recorded();
  const [refused, plain] = [event('req_1', { traceparent }), event('req_2')];
  const times = { takenMs: 10, askedMs: 12, answeredMs: 15 };
  const stored = event('req_3', { traceparent });
  new UsageSpans(sink).stored([refused, plain, stored], { refused: [{ event: refused }], ...times }, true);
  expect(spans.map(({ name, error }) => [name, error])).toEqual([
    ['process switchboard.usage.v1.recorded', 'refused'],
    ['INSERT usage', 'refused'],
    ['process switchboard.usage.v1.recorded', undefined],
    ['INSERT usage', undefined],
  ]);
  const [, , process, insert] = spans;
  expect(process).toMatchObject({ parentSpanId: SPAN, kind: 'consumer', startedMs: 10, endedMs: 15 });
  expect(insert).toMatchObject({ parentSpanId: process!.spanId, kind: 'client', startedMs: 12, endedMs: 15 });
  expect(insert!.attributes).toMatchObject({ 'db.system.name': 'postgresql', 'db.operation.batch.size': 3 });
  expect(parseTraceparent(traceparent)?.traceId).toBe(insert!.traceId);
});
