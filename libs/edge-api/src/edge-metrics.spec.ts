import { setTimeout as delay } from 'node:timers/promises';
import { until } from './__fixtures__/keys-bucket';
import { CHAT_REPLY } from './__fixtures__/edge';
import { ServedEdge, type ServedEdgeOptions } from './__fixtures__/served-edge';

const BUDGETED = { budget: { nanoUsd: 25e9, period: 'day' as const } };
const UPSTREAM_MS = 300;

let served: ServedEdge;
afterEach(() => served.close());

const serve = async (options: ServedEdgeOptions = {}): Promise<void> => {
  served = await ServedEdge.start({ keys: { plain: {}, budgeted: BUDGETED }, ...options });
};

const exposition = (): Promise<string> => served.edge.metrics.registry.metrics();

/** Of the one series whose line begins so. */
async function valueOf(series: string): Promise<number> {
  const line = (await exposition()).split('\n').find((each) => each.startsWith(`${series} `));
  if (line === undefined) throw new Error(`no ${series}`);
  return Number(line.slice(series.length + 1));
}

async function called(key = 'plain', members: object = {}): Promise<number> {
  const before = served.usage.length;
  const reply = await served.post('openai', key, members);
  await reply.text();
  if (reply.status === 200) await until(() => served.usage.length > before, 'the record');
  return reply.status;
}

/** A change of the catalog is on its way. */
async function untilItAnswers(status: number, members: object = {}): Promise<void> {
  for (let tries = 0; (await called('plain', members)) !== status; tries++) {
    if (tries === 200) throw new Error(`never ${status}`);
    await delay(10);
  }
}

const CALL = 'gen_ai_operation_name="chat",gen_ai_provider_name="one",gen_ai_request_model="test/model"';

it('tells what a call came to under the names of the conventions, and what it cost', async () => {
  await serve();
  await called();
  expect(await valueOf(`gen_ai_client_token_usage_sum{${CALL},gen_ai_token_type="input"}`)).toBe(10);
  expect(await valueOf(`gen_ai_client_token_usage_sum{${CALL},gen_ai_token_type="output"}`)).toBe(5);
  expect(await valueOf(`gen_ai_server_request_duration_seconds_count{${CALL},error_type=""}`)).toBe(1);
  const cost = await valueOf('switchboard_cost_usd_total{provider="one",model="test/model"}');
  expect(cost).toBeCloseTo((served.usage[0]?.costNanoUsd ?? 0) / 1e9, 12);
  expect(cost).toBeGreaterThan(0);
});

it('tells a failed call by its status', async () => {
  await serve({ answer: (_, response) => void response.writeHead(400).end('{}') });
  expect(await called()).toBe(400);
  expect(await valueOf(`gen_ai_server_request_duration_seconds_count{${CALL},error_type="400"}`)).toBe(1);
});

it('takes what the upstream took for no time of its own', async () => {
  await serve({
    answer: (_, response) => {
      setTimeout(() => response.setHeader('content-type', 'application/json').end(CHAT_REPLY), UPSTREAM_MS);
    },
  });
  await called();
  const seconds = (metric: string): Promise<number> => valueOf(`switchboard_${metric}_sum{dialect="openai-chat"}`);
  const [total, added, before] = await Promise.all(
    ['request_duration_seconds', 'added_latency_seconds', 'before_dispatch_seconds'].map(seconds),
  );
  expect(total).toBeGreaterThanOrEqual(UPSTREAM_MS / 1000);
  // Whatever the machine is doing meanwhile, all of it but the upstream's.
  expect(added).toBeLessThanOrEqual(total! - UPSTREAM_MS / 1000 + 0.005);
  expect(added).toBeGreaterThan(0);
  expect(before).toBeLessThanOrEqual(added!);
});

it('shows what never happened as 0', async () => {
  await serve();
  for (const series of [
    'switchboard_requests_total{dialect="openai-chat",status="503"}',
    'switchboard_admissions_total{outcome="denied_budget"}',
    'switchboard_upstream_retries_total{outcome="exhausted"}',
    'switchboard_translation_losses_total{dialect="anthropic-messages"}',
  ]) {
    expect([series, await valueOf(series)]).toEqual([series, 0]);
  }
});

it('lets go of a model that left the catalog, at the next call of another', async () => {
  await serve();
  await called();
  await served.catalog.putModel('test/other', ['one']);
  await untilItAnswers(200, { model: 'test/other' });
  expect(await exposition()).toContain('"test/model"');
  await served.catalog.removeModel('test/model');
  await untilItAnswers(404);
  expect(await called('plain', { model: 'test/other' })).toBe(200);
  expect(await exposition()).not.toContain('"test/model"');
  expect(await valueOf('switchboard_cost_usd_total{provider="one",model="test/other"}')).toBeGreaterThan(0);
});

it('takes no label from a client', async () => {
  await serve();
  expect(await called('plain', { model: 'made-up/model', user: 'jane' })).toBe(404);
  expect(await called('nobody')).toBe(401);
  await called('plain', { user: 'jane' });
  expect(await exposition()).not.toMatch(/made-up|jane|nobody|plain/);
});

it('tells what is reserved for open calls, until they are settled', async () => {
  let answer = (): void => undefined;
  await serve({
    answer: (_, response) => {
      answer = () => void response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
    },
  });
  const reply = served.post('openai', 'budgeted');
  await until(() => served.upstream.bodies.length === 1, 'the call');
  expect(await valueOf('switchboard_reservations_open')).toBe(1);
  const { amounts } = served.limiter.reserved[0]!;
  expect(await valueOf('switchboard_reservations_held_usd')).toBeCloseTo(amounts.nanoUsd / 1e9, 12);
  answer();
  await (await reply).text();
  await until(() => served.limiter.settled.length === 1, 'the settlement');
  expect(await valueOf('switchboard_reservations_open')).toBe(0);
  expect(await valueOf('switchboard_reservations_held_usd')).toBe(0);
});
