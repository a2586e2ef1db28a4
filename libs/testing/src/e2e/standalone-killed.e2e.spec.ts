import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider, UPSTREAM_DIALECTS } from './gateway-config';
import { openStreams } from './many-streams';
import { CALLS_OF_A_TURN_MOST, ShortCalls } from './short-calls';
import { allUsage, eventually } from './usage-ledger';

jest.setTimeout(120_000);

const STREAMS = 10;

let simulator: RunningSimulator;
let folder: string;
let gateway: RunningGateway | undefined;

// Each try begins anew: a second one must not meet what the first left.
beforeEach(async () => {
  simulator = await startSimulator();
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-killed-'));
  // Under root, Postgres runs as a user of its own, who has to get in.
  chmodSync(folder, 0o711);
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await simulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Promise<RunningGateway> {
  const config = gatewayConfig(
    UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulator.url)),
    UPSTREAM_DIALECTS.flatMap((dialect) => [
      model(`lasting/${dialect}`, [{ provider: dialect, model: 'sim-any;chunks=200;chunk_delay_ms=50' }]),
      model(`quick/${dialect}`, [{ provider: dialect, model: 'sim-any' }]),
    ]),
  );
  return startGateway({ config, dataDir: path.join(folder, 'data'), env: GATEWAY_ENV });
}

test('kill -9 and a restart on the same data: every call the upstream served is in the ledger once, exact or marked', async () => {
  gateway = await start();
  const { url } = gateway;
  const streams = await openStreams({ url, keys: [KEY], count: STREAMS, model: (each) => `lasting/${each}` });
  const short = new ShortCalls({ url, keys: [KEY], intervalMs: 5, model: (each) => `quick/${each}` });
  const before = simulator.served().requests.length;
  await delay(1_000);
  await eventually('many short calls were made', () => simulator.served().requests.length > before + 100);
  await gateway.stop('SIGKILL');
  const calls = await short.stop();
  await Promise.all(streams.map(({ end }) => end));
  const { requests } = simulator.served();
  expect(calls.filter(({ whole }) => whole).length).toBeGreaterThan(50);

  gateway = await start();
  const again = gateway;
  await eventually('all is in the ledger', async () => (await allUsage(again)).length >= requests.length);
  await delay(500);
  const records = await allUsage(again);
  const byRequest = new Map(records.map((record) => [record.requestId, record]));
  expect(byRequest.size).toBe(records.length);
  const servedIds = new Set(requests.map(({ request_id: id }) => id));
  expect([...servedIds].filter((id) => !byRequest.has(id))).toEqual([]);
  // A call that the kill met on its way may not have reached the upstream: nobody can know.
  const unserved = records.filter(({ requestId }) => !servedIds.has(requestId));
  expect(unserved.filter(({ accuracy }) => accuracy !== 'orphaned')).toEqual([]);
  for (const served of requests) {
    const record = byRequest.get(served.request_id);
    if (record?.accuracy !== 'exact') continue;
    const { inputTokens, outputTokens } = record;
    expect([inputTokens, outputTokens]).toEqual([served.input_tokens, served.output_tokens]);
  }
  const whole = calls.filter((call) => call.whole).map(({ requestId }) => requestId);
  // But for those that the kill met between their last byte and the end of the turn.
  expect(whole.filter((id) => byRequest.get(id)?.accuracy !== 'exact').length).toBeLessThanOrEqual(
    CALLS_OF_A_TURN_MOST,
  );
  const orphans = records.filter(({ accuracy }) => accuracy === 'orphaned');
  expect(orphans.length).toBeGreaterThanOrEqual(STREAMS);

  expect(await gateway.stop()).toBe(0);
  gateway = undefined;
  expect(readdirSync(path.join(folder, 'data', 'spool'))).toEqual([]);
});
