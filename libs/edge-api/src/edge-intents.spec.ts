import type { UsageIntent } from '@switchboard/contracts';
import { until } from './__fixtures__/keys-bucket';
import { bodyOf, ServedEdge } from './__fixtures__/served-edge';
import { CHAT_REPLY, startUpstream, type Upstream } from './__fixtures__/edge';

const BUDGETED = { budget: { nanoUsd: 25e9, period: 'day' as const } };
/** Nano-USD per token, of `test/model`. */
const [INPUT, OUTPUT] = [3_000, 15_000];

let served: ServedEdge;
let second: Upstream | undefined;
/** How many intents there were when the upstream had the request. */
let begunBefore: number[];

afterEach(async () => {
  await served.close();
  await second?.close();
  second = undefined;
});

async function serve(status = 200): Promise<void> {
  begunBefore = [];
  served = await ServedEdge.start({
    keys: { plain: {}, budgeted: BUDGETED },
    answer: (_, response) => {
      begunBefore.push(served.edge.intents.length);
      response.writeHead(status, { 'content-type': 'application/json' }).end(status === 200 ? CHAT_REPLY : '{}');
    },
  });
}

const recorded = (): Promise<void> => until(() => served.usage.length > 0, 'the record');
const intentOf = (index = 0): UsageIntent => served.edge.intents[index] as UsageIntent;

test('what a call can come to is told before its upstream has it, and under the id of its record', async () => {
  await serve();
  const reply = await served.post('anthropic', 'plain');
  await reply.text();
  await recorded();
  expect(begunBefore).toEqual([1]);
  const { requestId, tenantId, keyId, model, upstream, clientDialect, upstreamDialect, stream, attempts, startedAtMs } =
    served.usage[0]!;
  const call = { requestId, tenantId, keyId, model, upstream, clientDialect, upstreamDialect, stream, startedAtMs };
  expect(intentOf()).toMatchObject({ ...call, attempts, requestedModel: 'test/model' });
});

test('without bounds that is every byte as a token and all the output asked for, at the price of the model', async () => {
  await serve();
  await served.post('openai', 'plain', { max_tokens: 50, n: 2 });
  await recorded();
  const { inputTokens, outputTokens, costNanoUsd } = intentOf();
  const bytes = bodyOf('openai', { max_tokens: 50, n: 2 }).length;
  expect(inputTokens).toBeGreaterThanOrEqual(bytes);
  expect(inputTokens).toBeLessThan(bytes + 20);
  expect(outputTokens).toBe(100);
  expect(costNanoUsd).toBe(inputTokens * INPUT + outputTokens * OUTPUT);
});

test('where the client names no maximum it is all that the model may write', async () => {
  await serve();
  await served.post('openai', 'plain');
  await recorded();
  expect(intentOf().outputTokens).toBe(64_000);
});

test('no input counts for more than the model can read, an image in its bytes least of all', async () => {
  await serve();
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(400_000)}` } };
  await served.post('openai', 'plain', { messages: [{ role: 'user', content: [image] }] });
  await recorded();
  expect(intentOf().inputTokens).toBe(200_000);
});

test('with a budget it is what was set aside, so that spool and limiter say the same', async () => {
  await serve();
  await served.post('openai', 'budgeted', { max_tokens: 50 });
  await recorded();
  const [{ amounts } = { amounts: undefined }] = served.limiter.reserved;
  expect(intentOf()).toMatchObject({
    inputTokens: amounts?.inputTokens,
    outputTokens: 50,
    costNanoUsd: amounts?.nanoUsd,
  });
});

test('a client that asks for more tokens than there are makes no amount that a record cannot hold', async () => {
  await serve();
  await served.post('openai', 'plain', { max_tokens: Number.MAX_SAFE_INTEGER });
  await recorded();
  for (const amount of [intentOf().outputTokens, intentOf().costNanoUsd])
    expect(Number.isSafeInteger(amount)).toBe(true);
});

test('a call that goes to another upstream is told again, as one of that upstream', async () => {
  await serve(503);
  second = await startUpstream();
  await served.catalog.putProvider('two', second.url, { tier: 3 });
  await served.catalog.putModel('test/model', ['one', 'two']);
  // The catalog reaches the edge in its own time.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await served.post('openai', 'plain')).status).toBe(200);
  await recorded();
  const { requestId } = served.usage.at(-1)!;
  const intents = served.edge.intents.filter((intent) => intent.requestId === requestId);
  expect(intents.map(({ upstream, attempts }) => [upstream, attempts])).toEqual([
    ['one', 1],
    ['two', 2],
  ]);
});

test('what never goes to an upstream is not told', async () => {
  await serve();
  expect((await served.post('openai', 'plain', { model: 'test/none' })).status).toBe(404);
  served.limiter.denial = { reason: 'budget', scope: 'key:k' };
  expect((await served.post('openai', 'budgeted')).status).toBe(402);
  expect(served.edge.intents).toEqual([]);
});

test('what a call came to is settled once its record is kept: a kill in between must leave one of the two', async () => {
  await serve();
  const { sink, limiter } = served.edge;
  sink.heldBack = [];
  await (await served.post('openai', 'budgeted')).text();
  await until(() => sink.heldBack?.length === 1, 'the record');
  expect(limiter.settled).toEqual([]);
  sink.heldBack[0]?.();
  expect(limiter.settled).toMatchObject([
    { requestId: served.usage[0]?.requestId, nanoUsd: served.usage[0]?.costNanoUsd },
  ]);
});
