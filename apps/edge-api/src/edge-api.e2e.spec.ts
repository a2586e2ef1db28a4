import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { createHash } from 'node:crypto';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BUCKETS,
  bucketKey,
  decodeJson,
  encodeJson,
  parseCallBatch,
  SETTINGS_KEY,
  STREAMS,
  type Bus,
  type CallLoggedV1,
  type UsageBatchV1,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import {
  buildCatalog,
  createKeyHasher,
  createLogger,
  createSealer,
  encodeModel,
  encodeProvider,
  openNatsBus,
  simulatorConfig,
  startNats,
  type LocalServer,
  freePort,
} from '@switchboard/platform';

jest.setTimeout(60_000);

const MAIN = path.resolve(__dirname, '../dist/main.js');
const KEK = Buffer.alloc(32, 1);
const PEPPER = Buffer.alloc(32, 2);
const silent = createLogger({ level: 'silent', name: 'test' });

let folder: string;
let nats: LocalServer;
let bus: Bus;
let upstream: Server;
let answer: (response: ServerResponse) => void;
let edge: ChildProcess | undefined;
let output: string;
let ports: { PORT: string; ADMIN_PORT: string };

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-app-'));
  nats = await startNats({ folder, log: silent });
  bus = openNatsBus({ url: nats.url, name: 'test', log: silent });
  upstream = createServer((incoming, response) => incoming.resume().on('end', () => answer(response)));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  ports = { PORT: String(await freePort()), ADMIN_PORT: String(await freePort()) };
});
afterEach(async () => {
  edge?.kill('SIGKILL');
  edge = undefined;
  upstream.closeAllConnections();
  upstream.close();
  await bus.close();
  await nats.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function startEdge(more: Record<string, string> = {}): ChildProcess {
  const env = {
    ...{ PATH: process.env['PATH'], HOST: '127.0.0.1', ADMIN_HOST: '127.0.0.1', NATS_URL: nats.url, ...ports },
    ...{ KEK: `k:${KEK.toString('base64')}`, KEY_PEPPER: `p:${PEPPER.toString('base64')}`, DRAIN_GRACE_MS: '300' },
    ...more,
  };
  output = '';
  edge = spawn(process.execPath, [MAIN], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  edge.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  edge.stderr?.on('data', (text: Buffer) => (output += text.toString()));
  return edge;
}

const publicUrl = (): string => `http://127.0.0.1:${ports.PORT}`;

async function readiness(): Promise<{ status: number; down: string[] }> {
  const reply = await fetch(`http://127.0.0.1:${ports.ADMIN_PORT}/readyz`);
  const { checks } = (await reply.json()) as { checks: Record<string, { status: string }> };
  return { status: reply.status, down: Object.keys(checks).filter((name) => checks[name]?.status === 'down') };
}

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const met = await Promise.resolve(condition()).catch(() => false);
    if (met) return;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** As admin-api would: the simulator's catalog, its upstreams all at the test's own; one key, without bounds, that logs its calls. */
async function publish(): Promise<void> {
  await until(() => bus.connected, 'the test’s own connection');
  const { port } = upstream.address() as AddressInfo;
  const sha256 = createHash('sha256').update('cm_test_key').digest('hex');
  const config = simulatorConfig({ simulatorUrl: `http://127.0.0.1:${port}`, demoKeyHash: sha256 });
  const sealer = createSealer([{ id: 'k', key: KEK }]);
  const { hash } = createKeyHasher([{ id: 'p', key: PEPPER }]).current(sha256);
  const [keys, catalog] = [bus.bucket(BUCKETS.keys), bus.bucket(BUCKETS.catalog)];
  const { tenant, keys: records } = config.tenants[0]!;
  const { tenant: _, ...own } = records[0]!;
  await keys.put(bucketKey.tenant(tenant.id), encodeJson(tenant));
  const logging = { requests: true, prompts: true };
  await keys.put(bucketKey.key(hash), encodeJson({ ...own, logging, hash, tenantId: tenant.id }));
  for (const provider of config.providers) {
    const trusted = { ...provider, trustedNetwork: true };
    await catalog.put(bucketKey.provider(provider.id), encodeJson(encodeProvider(trusted, sealer)));
  }
  for (const [position, model] of [...buildCatalog(config).models.values()].entries()) {
    await catalog.put(bucketKey.model(model.id), encodeJson(encodeModel(model, position)));
  }
  const { brand, policies } = config;
  const settings = { brand, auto: buildCatalog(config).auto, limiterUnavailable: policies.limiterUnavailable };
  await catalog.put(SETTINGS_KEY, encodeJson(settings));
  model = config.models.find(({ upstreams, category }) => {
    const kind = config.providers.find(({ id }) => id === upstreams[0]?.provider)?.kind ?? '';
    return category === 'llm' && kind.startsWith('openai');
  })!.id;
}

let model: string;

const chat = (stream: boolean): Promise<Response> =>
  fetch(`${publicUrl()}/v1/chat/completions`, {
    ...{ method: 'POST', headers: { authorization: 'Bearer cm_test_key' } },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hi' }] }),
  });

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' },
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;

test('a spool folder that cannot be written is a fault at the start, and named', async () => {
  // Below a file there is no folder, whoever one is.
  const spool = path.join(MAIN, 'spool');
  const [code] = (await once(startEdge({ SPOOL_DIR: spool }), 'close')) as [number];
  expect(code).toBe(1);
  expect(output).toContain(`the spool folder ${spool} (SPOOL_DIR) cannot be written`);
});

test('without NATS the private port says what is missing; with it and a catalog the public port opens', async () => {
  await nats.stop();
  startEdge();
  await until(async () => (await readiness()).down.length > 0, 'the private port');
  expect(await readiness()).toEqual({ status: 503, down: ['nats', 'catalog', 'public-port'] });
  await expect(fetch(`${publicUrl()}/api/hello`)).rejects.toThrow();
  await until(() => /waiting for NATS/i.test(output), 'the word on what it waits for');
  expect(output.match(/waiting for NATS/gi)).toHaveLength(1);

  nats = await startNats({ folder, port: nats.port, log: silent });
  await until(async () => (await readiness()).down.join() === 'catalog,public-port', 'NATS');
  await publish();
  await until(async () => (await readiness()).status === 200, 'readiness');
  expect((await fetch(`${publicUrl()}/api/hello`)).status).toBe(200);

  await nats.stop();
  await until(async () => (await readiness()).down.join() === 'nats', 'NATS to be missed');
  expect((await readiness()).status).toBe(200);
});

/** Nice values of a process's event loop and of each of its other threads. */
function niceValues({ pid = 0 }: ChildProcess): { eventLoop: number; others: number[] } {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return {
    eventLoop: os.getPriority(pid),
    others: threads.filter((id) => id !== pid).map((id) => os.getPriority(id)),
  };
}

// Elsewhere a thread has no nice value of its own.
(process.platform === 'linux' ? test : test.skip)('its event loop goes before its other threads', async () => {
  const child = startEdge();
  await publish();
  await until(() => output.includes('the public port listens'), 'the public port');
  const { eventLoop, others } = niceValues(child);
  // V8's, the four of the pool, and the one that counts tokens.
  expect(others.length).toBeGreaterThan(5);
  expect(others).toEqual(others.map(() => eventLoop + 10));
});

test('SIGTERM: unready at once, an open stream runs to its end, its usage and its call are published, and the end is clean', async () => {
  let finish = (): void => undefined;
  answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(chunk({ role: 'assistant', content: 'Hello' }));
    finish = () => response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
  };
  const child = startEdge();
  const exited = once(child, 'exit');
  await publish();
  await until(async () => (await readiness()).status === 200, 'readiness');
  const reply = await chat(true);
  expect(reply.status).toBe(200);
  const requestId = reply.headers.get('x-request-id');

  child.kill('SIGTERM');
  await until(async () => (await readiness()).status === 503, 'unreadiness');
  // Longer than its grace.
  await new Promise((resolve) => setTimeout(resolve, 700));
  await expect(fetch(`${publicUrl()}/api/hello`)).rejects.toThrow();
  finish();
  expect(await reply.text()).toMatch(/Hello[^]*\[DONE\]/);
  expect(await exited).toEqual([0, null]);

  const events: UsageRecordedV1[] = [];
  bus.consume(STREAMS.usage, 'reader', { sizeMax: 10, waitMs: 20 }, (messages) => {
    for (const { payload } of messages) events.push(...decodeJson<UsageBatchV1>(payload).events);
    return Promise.resolve();
  });
  await until(() => events.length > 0, 'the usage');
  expect(events).toMatchObject([{ requestId, finish: 'stop', status: 200 }]);
  const calls: CallLoggedV1[] = [];
  bus.consume(STREAMS.calls, 'reader', { sizeMax: 10, waitMs: 20 }, (messages) => {
    for (const { payload } of messages) calls.push(...parseCallBatch(payload).calls);
    return Promise.resolve();
  });
  await until(() => calls.length > 0, 'the call');
  const prompt = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
  expect(calls).toMatchObject([{ requestId, outcome: 'stop', status: 200, ip: '127.0.0.1', prompt }]);
  expect(JSON.stringify(calls)).not.toContain('cm_test_key');
});

test('a port that is taken ends the start with a line that says so', async () => {
  const taken = createNetServer().listen(Number(ports.PORT), '127.0.0.1');
  await once(taken, 'listening');
  const exited = once(startEdge(), 'exit');
  await publish();
  expect(await exited).toEqual([1, null]);
  expect(output).toMatch(new RegExp(`cannot start: [^\\n]*${ports.PORT}`));
  taken.close();
});

test('faults of the configuration are told together, before anything starts', async () => {
  const exited = once(startEdge({ KEK: '', PORT: 'x' }), 'exit');
  expect(await exited).toEqual([1, null]);
  expect(output).toMatch(/2 fault\(s\)[^]*PORT:[^]*KEK:/);
});
