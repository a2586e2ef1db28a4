import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type RunningSimulator, type ServedRequest } from '@switchboard/simulator';
import { startStack, type RunningStack } from '../stack';
import { GATEWAY_ENV, gatewayConfig, KEY, keyHash, model, provider, UPSTREAM_DIALECTS } from './gateway-config';
import { conversation } from './conversation';
import { send } from './http-exchange';
import { openStreams } from './many-streams';
import { CALLS_OF_A_TURN_MOST, ShortCalls } from './short-calls';
import { allUsage, eventually, type UsageRecord } from './usage-ledger';

jest.setTimeout(180_000);

/** Neither has limits or a budget: nobody but the edge knows of their calls. */
const KEYS = [KEY, 'cm_test_also-unbounded'];
const STREAMS_PER_EDGE = 12;
/** Longer than the test goes on after the kill. */
const LASTING = 'sim-any;chunks=160;chunk_delay_ms=50';
const PASSING = 'sim-any;chunks=20;chunk_delay_ms=50';

let simulator: RunningSimulator;
let stack: RunningStack;

beforeAll(async () => {
  simulator = await startSimulator();
  const served = (id: string, name: string) =>
    UPSTREAM_DIALECTS.map((dialect) => model(`${id}/${dialect}`, [{ provider: dialect, model: name }]));
  const config = gatewayConfig(
    UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulator.url)),
    [...served('lasting', LASTING), ...served('passing', PASSING), ...served('quick', 'sim-any')],
    [{ name: 'also-unbounded', key: { hash: keyHash(KEYS[1] ?? '') } }],
  );
  stack = await startStack({ config, env: GATEWAY_ENV });
});

afterAll(async () => {
  await stack?.stop();
  await simulator?.close();
});

beforeEach(() => simulator.reset());

/** By request id. */
async function ledger(): Promise<Map<string, UsageRecord[]>> {
  const records = new Map<string, UsageRecord[]>();
  for (const record of await allUsage(stack)) {
    records.set(record.requestId, [...(records.get(record.requestId) ?? []), record]);
  }
  return records;
}

/** Waits until the ledger has every call that reached the upstream. @returns each with its one record. */
async function accounted(): Promise<{ served: ServedRequest; record: UsageRecord }[]> {
  const { requests } = simulator.served();
  let records = new Map<string, UsageRecord[]>();
  const missing = () => requests.filter(({ request_id: id }) => !records.has(id)).map(({ request_id: id }) => id);
  await eventually(
    'every call the upstream served is in the ledger',
    async () => {
      records = await ledger();
      return missing().length === 0;
    },
    20_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; missing: ${missing().join(' ')}`);
  });
  // Whatever comes twice has come by then.
  await delay(1_000);
  records = await ledger();
  return requests.map((served) => {
    const found = records.get(served.request_id) ?? [];
    expect(found.map(({ requestId }) => requestId)).toEqual([served.request_id]);
    return { served, record: found[0] as UsageRecord };
  });
}

function expectBilledAsServed(calls: Awaited<ReturnType<typeof accounted>>): void {
  for (const { served, record } of calls) {
    expect(['exact', 'estimated', 'orphaned']).toContain(record.accuracy);
    if (record.accuracy !== 'exact') continue;
    const { inputTokens, outputTokens, requestId } = record;
    expect({ requestId, inputTokens, outputTokens }).toEqual({
      requestId: served.request_id,
      inputTokens: served.input_tokens,
      outputTokens: served.output_tokens,
    });
  }
}

const edgePids = (): number[] => stack.processes().flatMap(({ name, pid }) => (name === 'edge-api' ? [pid] : []));

async function killEdge(): Promise<void> {
  const before = edgePids();
  await stack.control('kill', 'edge-api-2');
  await eventually(
    'it has a successor',
    () => edgePids().length === 2 && edgePids().some((pid) => !before.includes(pid)),
    30_000,
  );
}

test('kill -9 of an edge under load: every call the upstream served is in the ledger once, exact or marked', async () => {
  const inTurn = { keys: KEYS, count: STREAMS_PER_EDGE };
  const lasting = await Promise.all(
    stack.edges().map((url) => openStreams({ ...inTurn, url, model: (upstream) => `lasting/${upstream}` })),
  );
  const passing = stack
    .edges()
    .map((url) => openStreams({ ...inTurn, url, model: (upstream) => `passing/${upstream}` }));
  const short = new ShortCalls({ url: stack.url, keys: KEYS, intervalMs: 8, model: (each) => `quick/${each}` });
  await delay(1_500);
  await killEdge();
  await delay(500);
  const calls = await short.stop();
  await Promise.allSettled(passing);
  const ends = await Promise.all(lasting.flat().map(({ end }) => end));
  expect(ends.filter(({ whole }) => whole)).toHaveLength(STREAMS_PER_EDGE);

  const accounts = await accounted();
  expectBilledAsServed(accounts);
  const byRequest = new Map(accounts.map(({ served, record }) => [served.request_id, record]));
  // Whoever got a whole reply is billed for it exactly, killed edge or not; but for those that the kill met between their last
  // byte and the end of its turn of the event loop.
  const whole = [...ends, ...calls].filter((call) => call.whole).map(({ requestId }) => requestId);
  expect(whole.length).toBeGreaterThan(40);
  expect(whole.filter((id) => byRequest.get(id)?.accuracy !== 'exact').length).toBeLessThanOrEqual(
    CALLS_OF_A_TURN_MOST,
  );
  // Those that the killed edge had open.
  const orphans = accounts.filter(({ record }) => record.accuracy === 'orphaned');
  expect(orphans.length).toBeGreaterThanOrEqual(STREAMS_PER_EDGE);
  for (const { served, record } of orphans) {
    expect(record.outputTokens).toBeGreaterThanOrEqual(served.output_tokens);
    expect(record.inputTokens).toBeGreaterThanOrEqual(served.input_tokens);
    expect(Number(record.costNanoUsd)).toBe(record.inputTokens * 3_000 + record.outputTokens * 15_000);
  }
});

test('kill -9 of an edge while NATS is away: its usage is exact in the ledger once NATS is back', async () => {
  const [, edge = ''] = stack.edges();
  // Known before the outage.
  expect((await send(edge, conversation('chat', { model: 'quick/chat', key: KEY }))).status).toBe(200);
  await stack.control('stop', 'nats');
  for (let index = 0; index < 50; index++) {
    const dialect = index % 2 === 0 ? 'chat' : 'anthropic';
    expect((await send(edge, conversation(dialect, { model: 'quick/anthropic', key: KEY }))).status).toBe(200);
  }
  // The last turn of the event loop is the other test's: on a busy machine a reply may be read before that turn ends.
  await delay(200);
  await killEdge();
  await stack.control('start', 'nats');
  const accounts = await accounted();
  expect(accounts).toHaveLength(51);
  expectBilledAsServed(accounts);
  expect(accounts.filter(({ record }) => record.accuracy !== 'exact')).toEqual([]);
  // What was taken up is gone from the disk: one folder for each edge that lives.
  await eventually('the spool is cleared', () => readdirSync(path.join(stack.dataDir, 'spool')).length === 2, 15_000);
});
