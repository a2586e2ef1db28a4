import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { freePort } from '@switchboard/platform';
import { runGateway, startGateway, type RunningGateway } from '../gateway';
import { conversation } from './conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, keyHash, model, provider, type Json } from './gateway-config';
import { open, readWhole, send } from './http-exchange';
import { eventually, usageOf } from './usage-ledger';

jest.setTimeout(120_000);

/** A second, on a machine with something to spare; here two other suites run beside this one. */
const PROMPTLY_MS = 2000;
const UPSTREAM_CREDENTIAL = 'sk-made-through-the-api-9876543210';

let simulator: RunningSimulator;
let folder: string;
const running = new Set<RunningGateway>();

beforeAll(async () => {
  simulator = await startSimulator();
});

afterAll(async () => {
  await simulator.close();
});

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-standalone-'));
  // Under root, Postgres runs as a user of its own, who has to get in.
  chmodSync(folder, 0o711);
});

afterEach(async () => {
  for (const gateway of running) await gateway.stop();
  running.clear();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: { file?: string } = {}): Promise<RunningGateway> {
  const env = { ...GATEWAY_ENV, ...(options.file !== undefined && { GATEWAY_CONFIG: options.file }) };
  const gateway = await startGateway({ dataDir: path.join(folder, 'data'), env });
  running.add(gateway);
  return gateway;
}

async function stop(gateway: RunningGateway, signal?: NodeJS.Signals): Promise<number | string> {
  running.delete(gateway);
  return gateway.stop(signal);
}

interface Answer<T> {
  status: number;
  body: T;
}

async function admin<T = Json>(
  gateway: RunningGateway,
  method: string,
  route: string,
  body?: Json,
): Promise<Answer<T>> {
  const reply = await fetch(`${gateway.adminUrl}/api/v1/${route}`, {
    method,
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: (await reply.json()) as T };
}

/** The body of a call that must succeed. */
async function made<T = Json>(gateway: RunningGateway, method: string, route: string, body?: Json): Promise<T> {
  const answer = await admin<T>(gateway, method, route, body);
  if (answer.status >= 300) throw new Error(`${method} ${route}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A tenant, a provider on this machine, a model on it and a key, all through the API; they serve within a second. */
async function makeEverything(gateway: RunningGateway, keyFields: Json = {}): Promise<{ id: string; key: string }> {
  await made(gateway, 'POST', 'tenants', { id: 'lab', name: 'The lab' });
  await made(gateway, 'POST', 'providers', {
    ...{ id: 'own', kind: 'openai-compatible', baseUrl: `${simulator.url}/v1`, apiKey: UPSTREAM_CREDENTIAL },
  });
  const upstreams = (scenario: string) => [{ provider: 'own', model: `sim-any${scenario}` }];
  await made(gateway, 'POST', 'models', model('lab/slow', upstreams(';chunks=40;chunk_delay_ms=50')));
  await made(gateway, 'POST', 'models', model('lab/one', upstreams('')));
  const key = await made<{ id: string; key: string }>(gateway, 'POST', 'keys', {
    ...{ tenant: 'lab', name: 'ci' },
    ...keyFields,
  });
  expect(await timeUntil(async () => (await statusOf(gateway, key.key)) === 200)).toBeLessThan(PROMPTLY_MS);
  return key;
}

async function statusOf(gateway: RunningGateway, key: string, modelId = 'lab/one'): Promise<number> {
  return (await send(gateway.url, conversation('chat', { model: modelId, key }))).status;
}

/** How long until `probe` gives true, milliseconds. */
async function timeUntil(probe: () => Promise<boolean>): Promise<number> {
  const since = performance.now();
  await eventually('the change takes effect', probe);
  return performance.now() - since;
}

interface Diff {
  source: string;
  valid: boolean;
  changes: { action: string; id: string }[];
}

const diffOf = (gateway: RunningGateway): Promise<Diff> => made<Diff>(gateway, 'GET', 'config/diff');

/** `action resource` of what reconciling would change. */
const drift = async (gateway: RunningGateway): Promise<string[]> =>
  (await diffOf(gateway)).changes.map(({ action, id }) => `${action} ${id}`);

describe('what is made through the admin API', () => {
  test('serves SDKs of both dialects within a second, beside what the first run declared', async () => {
    const gateway = await start();
    const { key } = await makeEverything(gateway, { logging: { requests: true, prompts: true } });
    expect(key).toMatch(/^cm_live_/);
    const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 });
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
    const message = await anthropic.messages.create({
      model: 'lab/one',
      max_tokens: 64,
      messages: [{ role: 'user', content: 'Say hi' }],
    });
    expect(message.stop_reason).toBe('end_turn');
    const completion = openai.chat.completions.create({
      ...{ model: 'lab/one', stream: true, messages: [{ role: 'user', content: 'Say hi' }] },
    } as const);
    let text = '';
    for await (const chunk of await completion) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).not.toBe('');
    const listed = (await openai.models.list()).data.map(({ id }) => id);
    expect(listed).toEqual(expect.arrayContaining(['lab/one', 'sim/echo', 'anthropic/claude-sonnet-4.6']));
    const calls = 'calls?tenant=lab&outcome=stop&prompts=true';
    await eventually('the call log', async () => {
      const { data } = await made<{ data: Json[] }>(gateway, 'GET', calls);
      const told = data.filter(({ prompt }) => String(prompt).includes('Say hi'));
      // Beside the SDKs, who found out that the key serves.
      return told.map(({ userAgent }) => String(userAgent).split('/')[0]).join() === 'OpenAI,Anthropic,null';
    });
    const audit = 'audit?tenant=lab&action=call.read_prompt';
    expect((await made<{ data: Json[] }>(gateway, 'GET', audit)).data[0]).toMatchObject({ actor: 'admin-token' });
    expect(await drift(gateway)).toEqual([]);
    const health = await made(gateway, 'GET', 'health');
    expect(health).toMatchObject({ status: 'ok', bus: { status: 'up' }, usageQueue: { unacknowledged: 0 } });
    expect(health).toMatchObject({ services: [{ service: 'standalone', status: 'ready' }] });
    expect(await made(gateway, 'GET', 'routing/explain?model=lab/one')).toMatchObject({
      ...{ found: true, candidates: [{ provider: 'own', eligible: true }] },
    });
  });

  test('lives through a restart and a kill, its credential too, which is nowhere in the clear', async () => {
    let gateway = await start();
    const { key } = await makeEverything(gateway);
    const record = await send(gateway.url, conversation('anthropic', { model: 'lab/one', key }));
    await usageOf(gateway, String(record.headers['x-callmissed-request-id']));
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      expect(await stop(gateway, signal)).toBe(signal === 'SIGTERM' ? 0 : signal);
      gateway = await start();
      expect(await statusOf(gateway, key)).toBe(200);
      expect(await made(gateway, 'GET', 'providers/own')).toMatchObject({ hasApiKey: true, managedBy: 'api' });
      expect(await drift(gateway)).toEqual([]);
    }
    const audit = await made<{ data: { action: string }[] }>(gateway, 'GET', 'audit?tenant=lab');
    expect(audit.data.map(({ action }) => action)).toEqual(expect.arrayContaining(['tenant.create', 'key.create']));
    expect(gateway.output()).not.toContain(UPSTREAM_CREDENTIAL);
    await stop(gateway);
    // In files and tables: the plaintexts stand in none of them.
    const found = spawnSync('grep', ['-rlaF', '-e', UPSTREAM_CREDENTIAL, '-e', key, path.join(folder, 'data')]);
    expect(found.stdout.toString()).toBe('');
  });

  test('a revoked key is 401 within a second, on a connection that was open before too; its stream goes on', async () => {
    const gateway = await start();
    const { id, key } = await makeEverything(gateway);
    const stream = await open(gateway.url, conversation('chat', { model: 'lab/slow', key, stream: true }));
    const whole = readWhole(stream);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const onOneConnection = () => listModels(gateway, key, agent);
    expect(await onOneConnection()).toBe(200);
    await made(gateway, 'POST', `keys/${id}/revoke`);
    expect(await timeUntil(async () => (await onOneConnection()) === 401)).toBeLessThan(PROMPTLY_MS);
    expect(await statusOf(gateway, key)).toBe(401);
    agent.destroy();
    expect((await whole).text).toContain('[DONE]');
  });

  test('a bounded key is admitted by the limiter of the process, and what it holds open is shown', async () => {
    const gateway = await start();
    const { id, key } = await makeEverything(gateway, { limits: { rpm: 1000 }, budget: { usd: 5, period: 'day' } });
    const stream = await open(gateway.url, conversation('chat', { model: 'lab/slow', key, stream: true }));
    expect(await rateState(gateway, id)).toMatchObject({ key: { open: 1 } });
    await readWhole(stream);
    await eventually('it is settled', async () => (await rateState(gateway, id)).key.open === 0);
  });
});

const rateState = (gateway: RunningGateway, keyId: string) =>
  made<{ key: { open: number } }>(gateway, 'GET', `keys/${keyId}/rate-state`);

function listModels(gateway: RunningGateway, key: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      `${gateway.url}/v1/models`,
      { agent, headers: { authorization: `Bearer ${key}` } },
      (reply) => {
        reply.resume();
        reply.on('end', () => resolve(reply.statusCode ?? 0));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

describe('gateway.yaml, edited while the gateway runs', () => {
  const write = (file: string, config: unknown): void =>
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));

  const configWith = (keys: Json[], changes: Json = {}): Json => ({
    ...gatewayConfig(
      [provider('filed', 'chat', simulator.url)],
      [model('filed/one', [{ provider: 'filed', model: 'sim-any' }])],
      keys,
    ),
    ...changes,
  });

  test('is taken over: keys come and go, and what the API made stays', async () => {
    const file = path.join(folder, 'gateway.yaml');
    write(file, configWith([]));
    const gateway = await start({ file });
    const { key } = await makeEverything(gateway);
    const added = 'cm_test_added-to-the-file';
    expect(await statusOf(gateway, added, 'filed/one')).toBe(401);
    write(file, configWith([{ name: 'added', key: { hash: keyHash(added) } }]));
    // The file is looked at every half second.
    const took = await timeUntil(async () => (await statusOf(gateway, added, 'filed/one')) === 200);
    expect(took).toBeLessThan(2500);
    expect(await statusOf(gateway, KEY, 'filed/one')).toBe(200);
    write(file, configWith([]));
    await eventually('the key ends', async () => (await statusOf(gateway, added, 'filed/one')) === 401);
    expect(await statusOf(gateway, key)).toBe(200);
    expect(await drift(gateway)).toEqual([]);
  });

  test('with faults it is told of in the log, all at once, and the last good state stays', async () => {
    const file = path.join(folder, 'gateway.yaml');
    write(file, configWith([]));
    const gateway = await start({ file });
    write(file, configWith([], { surprise: true, policies: { limiterUnavailable: 'maybe' } }));
    await eventually('the faults are told', () => gateway.output().includes('surprise'));
    expect(gateway.output()).toContain('policies.limiterUnavailable');
    expect(await diffOf(gateway)).toMatchObject({ source: 'gateway.yaml', valid: false });
    expect(await statusOf(gateway, KEY, 'filed/one')).toBe(200);
    write(file, configWith([], { brand: { slug: 'callmissed', keyPrefix: 'xy' } }));
    await eventually('the next good one is taken', async () => (await diffOf(gateway)).valid === true);
    expect(await statusOf(gateway, KEY, 'filed/one')).toBe(200);
    // At the next start, faults are fatal.
    await stop(gateway);
    write(file, configWith([], { surprise: true }));
    const ports = { PORT: String(await freePort()), ADMIN_PORT: String(await freePort()) };
    const refused = await runGateway({ ...GATEWAY_ENV, ...ports, GATEWAY_CONFIG: file, DATA_DIR: gateway.dataDir });
    expect(refused).toEqual({ code: 1, output: expect.stringContaining('surprise') });
  });

  test('what the API changed of it shows as drift', async () => {
    const file = path.join(folder, 'gateway.yaml');
    write(file, configWith([]));
    const gateway = await start({ file });
    await made(gateway, 'PATCH', 'models/filed/one', { description: 'Changed by hand.' });
    expect(await drift(gateway)).toEqual(['update filed/one']);
  });

  test('names its first provider: the simulator and the demo key are for those who have none', async () => {
    const file = path.join(folder, 'gateway.yaml');
    write(file, 'brand: { slug: callmissed, keyPrefix: cm }\n');
    const gateway = await start({ file });
    const demoKey = readFileSync(path.join(folder, 'data', 'demo-key'), 'utf8').trim();
    expect(await statusOf(gateway, demoKey, 'anthropic/claude-sonnet-4.6')).toBe(200);
    write(file, configWith([]));
    await eventually('the file’s model serves', async () => (await statusOf(gateway, KEY, 'filed/one')) === 200);
    expect(await statusOf(gateway, demoKey, 'filed/one')).toBe(401);
    expect(await statusOf(gateway, KEY, 'anthropic/claude-sonnet-4.6')).toBe(404);
  });
});

test('when Postgres dies, traffic goes on and is recorded; the admin API says that it cannot, until it can', async () => {
  const gateway = await start();
  const { key } = await makeEverything(gateway);
  const found = spawnSync('pgrep', ['-P', String(gateway.pid), 'postgres']);
  process.kill(Number(found.stdout.toString().trim()), 'SIGKILL');
  const refused = await admin(gateway, 'POST', 'tenants', { id: 'late' });
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'store_unavailable' } } });
  const requestIds: string[] = [];
  for (let back = false; !back; back = (await admin(gateway, 'GET', 'tenants')).status === 200) {
    const reply = await send(gateway.url, conversation('anthropic', { model: 'lab/one', key }));
    expect(reply.status).toBe(200);
    requestIds.push(String(reply.headers['x-callmissed-request-id']));
    await delay(20);
  }
  for (const requestId of requestIds) await usageOf(gateway, requestId);
});
