import type { PriceSchedule } from '@switchboard/contracts';
import { prices } from './core/__fixtures__/candidate';
import { CHAT_REPLY } from './__fixtures__/edge';
import { until } from './__fixtures__/keys-bucket';
import { bodyOf, type ClientDialect, ServedEdge } from './__fixtures__/served-edge';
import { anthropic, ReadStream, UpstreamStream } from './__fixtures__/streams';

const CHANGE_MS = Date.parse('2027-01-01T00:00:00Z');
/** 3 and 15 USD per million tokens, then ten times as much. */
const PRICING: PriceSchedule = [
  { version: 'v1', effectiveFromMs: 0, prices },
  { version: 'v2', effectiveFromMs: CHANGE_MS, prices: { ...prices, input: 30_000_000, output: 150_000_000 } },
];
/** Of the reply: 10 tokens in, 5 out. */
const [OLD, NEW] = [10 * 3_000 + 5 * 15_000, 10 * 30_000 + 5 * 150_000];
const KEYS = { plain: {}, budgeted: { budget: { nanoUsd: 1e12, period: 'total' as const } } };

let served: ServedEdge;
let nowMs: number;

beforeEach(() => {
  nowMs = CHANGE_MS - 1;
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await served.close();
});

const reservedMost = (dialect: ClientDialect, price: number) =>
  9 * price + Buffer.byteLength(bodyOf(dialect, { max_tokens: 9 })) * (price / 4);

describe.each(['openai', 'anthropic'] as const)('a call of a client of %s', (dialect) => {
  it('is priced to its end as when it began, the next one by what has taken effect since', async () => {
    served = await ServedEdge.start({
      ...{ keys: KEYS, model: { pricing: PRICING } },
      answer: (_, response) => {
        nowMs = CHANGE_MS;
        response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
      },
    });
    for (const key of ['budgeted', 'budgeted']) {
      expect((await served.post(dialect, key, { max_tokens: 9 })).status).toBe(200);
    }
    await until(() => served.usage.length === 2, 'both records');
    expect(served.usage).toMatchObject([
      { costNanoUsd: OLD, priceVersion: 'v1', startedAtMs: CHANGE_MS - 1 },
      { costNanoUsd: NEW, priceVersion: 'v2', startedAtMs: CHANGE_MS },
    ]);
    expect(served.limiter.reserved).toMatchObject([
      { intent: { priceVersion: 'v1' }, amounts: { nanoUsd: reservedMost(dialect, 15_000) } },
      // A write to the cache, which did not become dearer, is less than input now.
      { intent: { priceVersion: 'v2' } },
    ]);
    const [first, second] = served.limiter.reserved.map(({ amounts }) => amounts.nanoUsd);
    expect(served.edge.intents).toMatchObject([
      { priceVersion: 'v1', costNanoUsd: first },
      { priceVersion: 'v2', costNanoUsd: second },
    ]);
    expect(second).toBeGreaterThan(7 * first!);
    expect(served.limiter.settled).toMatchObject([{ nanoUsd: OLD }, { nanoUsd: NEW }]);
  });
});

it('a call that nobody bounds tells the same version if its edge dies', async () => {
  served = await ServedEdge.start({ keys: KEYS, model: { pricing: PRICING } });
  await served.post('openai', 'plain');
  nowMs = CHANGE_MS;
  await served.post('openai', 'plain');
  expect(served.edge.intents.map(({ priceVersion }) => priceVersion)).toEqual(['v1', 'v2']);
});

it('a stream that goes on past the change is neither stopped for the new price nor charged it', async () => {
  const stream = new UpstreamStream();
  const options = { kind: 'anthropic-compatible' as const, model: { pricing: PRICING }, answer: stream.answer };
  served = await ServedEdge.start({ keys: KEYS, ...options });
  const { limiter } = served;
  const reserve = limiter.reserve.bind(limiter);
  limiter.reserve = async (request) => {
    const reply = await reserve(request);
    nowMs = CHANGE_MS;
    return reply;
  };
  const reply = served.post('anthropic', 'budgeted', { stream: true });
  await stream.send(anthropic.start(20), anthropic.delta('Hi'));
  const read = new ReadStream(await reply);
  await until(() => read.text.includes('Hi'), 'the first text');
  await stream.send(anthropic.end(9));
  stream.end();
  await until(() => served.usage.length === 1, 'the record');
  expect(served.usage).toMatchObject([{ costNanoUsd: 20 * 3_000 + 9 * 15_000, priceVersion: 'v1', status: 200 }]);
  expect([limiter.extended, served.edge.intents[0]?.priceVersion]).toEqual([[], 'v1']);
});

it('the listings show the price of now', async () => {
  served = await ServedEdge.start({ keys: KEYS, model: { pricing: PRICING } });
  const listed = async () => {
    const reply = await fetch(`${served.url}/api/v1/models`, { headers: { 'x-api-key': 'plain' } });
    return ((await reply.json()) as { data: { pricing: object }[] }).data[0]?.pricing;
  };
  expect(await listed()).toMatchObject({ input: 3, output: 15 });
  nowMs = CHANGE_MS;
  expect(await listed()).toMatchObject({ input: 30, output: 150 });
});
