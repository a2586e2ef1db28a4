import { startSimulator, type RunningSimulator, type ServedRequest } from '@switchboard/simulator';
import { freePort } from '@switchboard/platform';
import { startGateway, type RunningGateway } from '../gateway';
import { CLIENT_DIALECTS, conversation, type ClientDialect } from './conversation';
import {
  GATEWAY_ENV,
  gatewayConfig,
  KEY,
  keyHash,
  model,
  provider,
  UPSTREAM_DIALECTS,
  type Json,
  type UpstreamDialect,
} from './gateway-config';
import { open, readWhole } from './http-exchange';
import { allUsage, eventually, type UsageRecord } from './usage-ledger';

jest.setTimeout(120_000);

const ROUNDS = 3;

/** Upstream models of a mixed day. */
const SCENARIOS: Record<string, string> = {
  plain: '',
  cached: ';cache_read_tokens=700;cache_write_tokens=90;input_tokens=30',
  lasting: ';cache_read_tokens=5;cache_write_1h_tokens=40;input_tokens=3',
  reasoning: ';thinking;reasoning_tokens=321;output_tokens=400',
  large: ';input_tokens=150000;output_tokens=50000',
  silent: ';no_usage',
  refused: ';status=400',
  broken: ';chunks=6;chunk_delay_ms=10;truncate=3,close',
  failing: ';chunks=6;chunk_delay_ms=10;mid_stream_error=2',
};

let simulator: RunningSimulator;
let gateway: RunningGateway;
let records: UsageRecord[];
/** By request id; where a request failed over, what served it in the end. */
let served: Map<string, ServedRequest>;
let sent: string[];

beforeAll(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({ config: await configFor(), env: GATEWAY_ENV });
  sent = await mixedRun();
  served = new Map(simulator.served().requests.map((request) => [request.request_id, request]));
  await eventually('every call is recorded', async () => (await allUsage(gateway)).length >= sent.length);
  records = await allUsage(gateway);
});

afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
});

async function configFor(): Promise<Json> {
  const dead = `http://127.0.0.1:${await freePort()}`;
  const providers = UPSTREAM_DIALECTS.flatMap((dialect) => [
    provider(`sim-${dialect}`, dialect, simulator.url),
    // A probe would find out before any call does.
    provider(`dead-${dialect}`, dialect, dead, { probe: 'off' }),
  ]);
  const models = UPSTREAM_DIALECTS.flatMap((dialect) => [
    ...Object.entries(SCENARIOS).map(([name, scenario]) =>
      model(`${name}/${dialect}`, [{ provider: `sim-${dialect}`, model: `sim-any${scenario}` }]),
    ),
    model(`rescued/${dialect}`, [
      { provider: `dead-${dialect}`, model: 'sim-any' },
      { provider: `sim-${dialect}`, model: 'sim-any;status=500', cost: { input: 4, output: 20 } },
      { provider: `sim-${dialect}`, model: 'sim-any;cache_read_tokens=9', cost: { input: 5, output: 25 } },
    ]),
    model(`slow/${dialect}`, [{ provider: `sim-${dialect}`, model: 'sim-any;chunks=200;chunk_delay_ms=10' }]),
  ]);
  const keys = ['one', 'two'].map((name) => ({ name, key: { hash: keyHash(`key-${name}`) } }));
  // All at once fail at the first upstream, before any of them can warn the others.
  return { ...gatewayConfig(providers, models, keys), policies: { retries: { least: 1_000 } } };
}

/** Every scenario in both client dialects over both upstreams, streamed and whole, all at once; returns the request ids. */
async function mixedRun(): Promise<string[]> {
  const names = [...Object.keys(SCENARIOS), 'rescued'];
  const calls: Promise<string>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const client of CLIENT_DIALECTS) {
      for (const upstream of UPSTREAM_DIALECTS) {
        for (const stream of [true, false]) {
          calls.push(...names.map((name) => callOnce(client, upstream, name, stream, round)));
        }
        calls.push(leaveEarly(client, upstream));
      }
    }
  }
  return Promise.all(calls);
}

async function callOnce(
  client: ClientDialect,
  upstream: UpstreamDialect,
  name: string,
  stream: boolean,
  round: number,
): Promise<string> {
  const key = [KEY, 'key-one', 'key-two'][round % 3] ?? KEY;
  const extra = { max_tokens: 60_000 };
  const ask = { model: `${name}/${upstream}`, key, stream, text: `${name} ${round} ünï`, extra };
  const reply = await readWhole(await open(gateway.url, conversation(client, ask)));
  return String(reply.headers['x-callmissed-request-id']);
}

async function leaveEarly(client: ClientDialect, upstream: UpstreamDialect): Promise<string> {
  const call = conversation(client, { model: `slow/${upstream}`, key: KEY, stream: true });
  const response = await open(gateway.url, call);
  response.destroy();
  return String(response.headers['x-callmissed-request-id']);
}

const PRICES = { input: 3000n, output: 15_000n, cacheRead: 300n, cacheWrite5m: 3750n, cacheWrite1h: 6000n };

/** In nano-USD, from USD per million tokens. */
function costOf(record: UsageRecord): bigint {
  return (
    BigInt(record.inputTokens) * PRICES.input +
    BigInt(record.cacheReadTokens) * PRICES.cacheRead +
    BigInt(record.cacheWrite5mTokens) * PRICES.cacheWrite5m +
    BigInt(record.cacheWrite1hTokens) * PRICES.cacheWrite1h +
    BigInt(record.outputTokens) * PRICES.output
  );
}

function named(name: string): UsageRecord[] {
  const found = records.filter((record) => record.model.startsWith(`${name}/`));
  expect(found.length).toBeGreaterThanOrEqual(ROUNDS * 4);
  return found;
}

test('every request the upstream served is recorded exactly once, and nothing else is', () => {
  expect(new Set(sent).size).toBe(sent.length);
  expect(records.map(({ requestId }) => requestId).sort()).toEqual([...sent].sort());
  expect([...served.keys()].sort()).toEqual([...sent].sort());
});

test('pages of any size give the same records, the latest first', async () => {
  const ids = records.map(({ requestId }) => requestId);
  for (const size of [7, 50, sent.length]) {
    expect((await allUsage(gateway, size)).map(({ requestId }) => requestId)).toEqual(ids);
  }
});

test('exact records are the upstream’s own figures, to the token', () => {
  const exact = records.filter(({ accuracy, status }) => accuracy === 'exact' && status === 200);
  expect(exact.length).toBeGreaterThan(records.length / 2);
  for (const record of exact) {
    const own = served.get(record.requestId);
    expect({
      input: record.inputTokens,
      cacheRead: record.cacheReadTokens,
      cacheWrite: record.cacheWrite5mTokens + record.cacheWrite1hTokens,
      output: record.outputTokens,
      reasoning: record.reasoningTokens,
      model: record.model,
    }).toEqual({
      input: own?.input_tokens,
      cacheRead: own?.cache_read_tokens,
      cacheWrite: own?.cache_write_tokens,
      output: own?.output_tokens,
      reasoning: own?.reasoning_tokens,
      model: record.model,
    });
    expect(own?.outcome).toBe('completed');
  }
});

test('every whole reply with usage is exact, whoever asked and whoever answered', () => {
  for (const name of ['plain', 'cached', 'lasting', 'reasoning', 'large', 'rescued']) {
    expect(new Set(named(name).map(({ accuracy }) => accuracy))).toEqual(new Set(['exact']));
  }
  // The first ones find out what later ones need not.
  expect(Math.max(...named('rescued').map(({ attempts }) => attempts))).toBe(3);
});

test('what the upstream did not tell is counted, and flagged', () => {
  for (const name of ['silent', 'failing', 'broken', 'slow']) {
    // An error event is a thing of streams: whole replies of that model come whole.
    for (const record of named(name).filter(({ stream }) => stream || name !== 'failing')) {
      expect([record.model, record.accuracy]).toEqual([record.model, 'estimated']);
      expect(record.inputTokens).toBeGreaterThan(0);
    }
  }
  for (const record of named('silent')) expect(record.outputTokens).toBeGreaterThan(0);
  for (const record of named('slow')) expect(record.finish).toBe('disconnected');
});

test('what was refused costs nothing', () => {
  for (const record of named('refused')) {
    expect(record).toMatchObject({ status: 400, accuracy: 'exact', costNanoUsd: '0', inputTokens: 0, outputTokens: 0 });
  }
});

test('the cost of every record is its tokens at the prices of its model, to the nano-USD', () => {
  for (const record of records) expect(BigInt(record.costNanoUsd)).toBe(costOf(record));
});

test('every record names the key that called', () => {
  const perRound = 2 * 2 * 2 * (Object.keys(SCENARIOS).length + 1);
  const counts = new Map<string, number>();
  for (const { key } of records) counts.set(key, (counts.get(key) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({
    key_acme_plain: perRound + 4 * ROUNDS,
    key_acme_one: perRound,
    key_acme_two: perRound,
  });
});
