import type { FinishedSpan } from '@switchboard/platform';
import { LocalWorld } from './__fixtures__/local-world';
import { reservation } from './__fixtures__/reservation';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

let world: LocalWorld;
let spans: FinishedSpan[];

beforeEach(() => {
  world = new LocalWorld();
  spans = [];
  world.replica({ tracing: { spans: { record: (span) => void spans.push(span) }, store: 'redis' } });
});
afterEach(() => world.stop());

test('a traced reservation has a span below who asked, and one for the store', async () => {
  await world.edge().reserve(reservation('a'), `00-${TRACE}-${SPAN}-01`);
  const [store, reserve] = spans as [FinishedSpan, FinishedSpan];
  expect(spans.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE]);
  expect(reserve).toMatchObject({
    ...{ name: 'reserve tenant', kind: 'server', parentSpanId: SPAN, error: undefined },
    attributes: { 'switchboard.admission.outcome': 'granted' },
  });
  expect(store).toMatchObject({ name: 'EVALSHA reserve', kind: 'client', parentSpanId: reserve.spanId });
  expect(store.attributes).toMatchObject({ 'db.system.name': 'redis' });
  expect(store.endedMs - store.startedMs).toBeLessThanOrEqual(reserve.endedMs - reserve.startedMs);
});

test('a store that fails is told in both', async () => {
  world.quota.reserve = () => Promise.reject(new TypeError('no'));
  await expect(world.edge().reserve(reservation('a'), `00-${TRACE}-${SPAN}-01`)).rejects.toThrow('no');
  expect(spans.map(({ error }) => error)).toEqual(['TypeError', 'TypeError']);
});

test.each([undefined, `00-${TRACE}-${SPAN}-00`, 'garbage'])('%s: reserved, and nothing told', async (traceparent) => {
  expect(await world.edge().reserve(reservation('a'), traceparent)).toMatchObject({ outcome: 'granted' });
  expect(spans).toEqual([]);
});
