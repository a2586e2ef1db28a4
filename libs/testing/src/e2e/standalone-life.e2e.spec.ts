import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { freePort } from '@switchboard/platform';
import { runGateway, startGateway, type RunningGateway } from '../gateway';
import { CLIENT_DIALECTS, conversation, errorIn, looksComplete, streamError } from './conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider, UPSTREAM_DIALECTS, type Json } from './gateway-config';
import { open, readWhole, send } from './http-exchange';
import { allUsage, eventually, usageOf } from './usage-ledger';

jest.setTimeout(120_000);

const run = promisify(execFile);
const MAIN = path.resolve(__dirname, '../../../../apps/standalone/dist/main.js');
const USAGE = path.resolve(__dirname, '../../../../apps/standalone/dist/usage.js');

const folders: string[] = [];
const running = new Set<RunningGateway>();
let simulator: RunningSimulator;

beforeAll(async () => {
  simulator = await startSimulator();
});

afterEach(async () => {
  for (const gateway of running) await stop(gateway);
});

afterAll(async () => {
  await simulator?.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-life-'));
  // Under root, Postgres runs as a user of its own, who has to get in.
  chmodSync(folder, 0o711);
  folders.push(folder);
  return folder;
}

async function start(options: Parameters<typeof startGateway>[0]): Promise<RunningGateway> {
  const gateway = await startGateway(options);
  running.add(gateway);
  return gateway;
}

async function stop(gateway: RunningGateway, signal?: NodeJS.Signals): Promise<number | string> {
  running.delete(gateway);
  return gateway.stop(signal);
}

async function bannerOf(gateway: RunningGateway): Promise<string> {
  await eventually('the banner is printed', () => gateway.output().includes('Usage so far:'));
  return gateway.output();
}

async function demoKeyOf(gateway: RunningGateway): Promise<string> {
  return /^ {2}key +(\S+)$/m.exec(await bannerOf(gateway))?.[1] ?? '';
}

async function usageTool(dataDir: string): Promise<string> {
  return (await run(process.execPath, [USAGE], { env: { PATH: process.env['PATH'], DATA_DIR: dataDir } })).stdout;
}

async function freePorts(): Promise<{ PORT: string; ADMIN_PORT: string }> {
  return { PORT: String(await freePort()), ADMIN_PORT: String(await freePort()) };
}

describe('a first run without a file and without a key', () => {
  test('answers the very curl it prints, and its key and records live through restarts and a kill', async () => {
    const dataDir = path.join(newFolder(), 'data');
    const first = await start({ dataDir });
    const printed = /^curl:\n( {2}curl [\s\S]*?)\n\n/m.exec(await bannerOf(first))?.[1] ?? '';
    expect(printed).toContain(first.url);
    const { stdout } = await run('sh', ['-c', printed.replace('curl ', 'curl -sS ')]);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'message', model: 'anthropic/claude-sonnet-4.6' });
    const key = await demoKeyOf(first);
    expect(key).toMatch(/^cm_test_\S{20,}$/);
    await eventually('the call is recorded', async () => (await allUsage(first)).length === 1);
    const [record] = await allUsage(first);
    expect(await usageTool(dataDir)).toContain(record?.requestId);
    expect(await stop(first)).toBe(0);
    expect(await usageTool(dataDir)).toContain(record?.requestId);

    const second = await start({ dataDir });
    expect(await demoKeyOf(second)).toBe(key);
    const reply = await send(second.url, conversation('chat', { model: 'sim/echo', key }));
    expect(reply.status).toBe(200);
    const requestId = String(reply.headers['x-callmissed-request-id']);
    await usageOf(second, requestId);
    expect(await stop(second, 'SIGKILL')).toBe('SIGKILL');

    const third = await start({ dataDir });
    expect((await send(third.url, conversation('chat', { model: 'sim/echo', key }))).status).toBe(200);
    const recorded = (await allUsage(third)).map((each) => each.requestId);
    expect(recorded).toEqual(expect.arrayContaining([record?.requestId, requestId]));
  });

  test('two of them live side by side, each with its own key and records, and none in the folder of another', async () => {
    const [one, other] = await Promise.all([start({}), start({})]);
    const [oneKey, otherKey] = [await demoKeyOf(one), await demoKeyOf(other)];
    expect(oneKey).not.toBe(otherKey);
    const reply = await send(one.url, conversation('anthropic', { model: 'sim/echo', key: oneKey }));
    expect(reply.status).toBe(200);
    await usageOf(one, String(reply.headers['x-callmissed-request-id']));
    expect((await send(other.url, conversation('anthropic', { model: 'sim/echo', key: oneKey }))).status).toBe(401);
    expect(await allUsage(other)).toEqual([]);

    const third = await runGateway({ DATA_DIR: one.dataDir, ...(await freePorts()) });
    expect(third.code).toBe(1);
    expect(third.output).toContain(`is in use by process ${one.pid}`);
    expect(third.output).toContain('DATA_DIR');
    expect(third.output).not.toMatch(/\n\s+at /);
    expect((await send(one.url, conversation('chat', { model: 'sim/echo', key: oneKey }))).status).toBe(200);
  });
});

test('a signal that comes while it starts: it ends with 0, and leaves the data folder to the next', async () => {
  const dataDir = path.join(newFolder(), 'data');
  const env = { PATH: process.env['PATH'], DATA_DIR: dataDir, ...(await freePorts()) };
  const child = spawn(process.execPath, [MAIN], { cwd: path.dirname(dataDir), env, stdio: 'ignore' });
  const exited = once(child, 'exit');
  await eventually('it works on its data', () => existsSync(path.join(dataDir, 'postgres')));
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(existsSync(path.join(dataDir, 'standalone.json'))).toBe(false);
  const gateway = await start({ dataDir });
  expect((await send(gateway.url, { path: '/api/hello' })).status).toBe(200);
});

describe('what keeps it from starting', () => {
  test('a port in use: a message that names it, and the data folder is free again', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const dataDir = path.join(newFolder(), 'data');
    try {
      const result = await runGateway({ ...(await freePorts()), DATA_DIR: dataDir, PORT: String(port) });
      expect(result.code).toBe(1);
      expect(result.output).toContain(String(port));
    } finally {
      taken.close();
    }
    const gateway = await start({ dataDir });
    expect((await send(gateway.url, { path: '/api/hello' })).status).toBe(200);
  });

  test('faults of the file and of the environment are all told at once', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'gateway.yaml');
    writeFileSync(
      file,
      [
        'brand: { slug: "Not A Slug" }',
        'providers:',
        '  - { id: mine, kind: openai-compatible, apiKey: { env: NOT_SET_ANYWHERE } }',
        '  - { id: odd, kind: telepathy }',
        'models:',
        '  - { id: m, contextWindow: 10, maxOutputTokens: 5, pricing: { input: -1, output: 1 }, upstreams: [{ provider: nobody, model: x }] }',
        'tenants:',
        '  - { id: t, keys: [{ name: k, key: { hash: short } }] }',
        'surprise: true',
      ].join('\n'),
    );
    const env = { GATEWAY_CONFIG: file, DATA_DIR: path.join(folder, 'data'), PORT: 'eighty', KEEPALIVE_MS: '-1' };
    for (const args of [[], ['--validate-config']]) {
      const { code, output } = await runGateway(env, args);
      expect(code).toBe(1);
      for (const fault of [
        /PORT: /,
        /KEEPALIVE_MS: /,
        /brand\.slug: /,
        /providers\[0\]\.baseUrl: required/,
        /providers\[0\]\.apiKey: .*NOT_SET_ANYWHERE/,
        /providers\[1\]\.kind: /,
        /models\[0\]\.pricing\.input: /,
        /models\[0\]\.upstreams\[0\]\.provider: .*nobody/,
        /tenants\[0\]\.keys\[0\]\.key/,
        /surprise/,
        /line \d+/,
      ]) {
        expect(output).toMatch(fault);
      }
    }
    expect(existsSync(path.join(folder, 'data'))).toBe(false);
  });

  test('a file that is named and not there', async () => {
    const { code, output } = await runGateway({ GATEWAY_CONFIG: '/nowhere/gateway.yaml', DATA_DIR: newFolder() });
    expect(code).toBe(1);
    expect(output).toContain('/nowhere/gateway.yaml');
  });
});

test('--validate-config says that a good file is good, and starts nothing', async () => {
  const folder = newFolder();
  const file = path.join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify(configFor()));
  const env = { ...GATEWAY_ENV, GATEWAY_CONFIG: file, DATA_DIR: path.join(folder, 'data') };
  const { code, output } = await runGateway(env, ['--validate-config']);
  expect(output).toContain('is valid');
  expect(output).toContain(file);
  expect(code).toBe(0);
  expect(existsSync(path.join(folder, 'data'))).toBe(false);
});

const SCENARIOS = {
  brief: 'chunks=40;chunk_delay_ms=50',
  endless: 'chunks=4000;chunk_delay_ms=50',
  mute: 'hang',
  large: 'chunks=8000;chunk_bytes=1024',
};

function configFor(): Json {
  const providers = UPSTREAM_DIALECTS.map((dialect) => provider(`sim-${dialect}`, dialect, simulator.url));
  const models = UPSTREAM_DIALECTS.flatMap((dialect) =>
    Object.entries(SCENARIOS).map(([name, scenario]) =>
      model(`${name}/${dialect}`, [
        { provider: `sim-${dialect}`, model: `sim-any;${scenario}` },
        { provider: `sim-${dialect}`, model: 'sim-spare', cost: { input: 9, output: 45 } },
      ]),
    ),
  );
  return gatewayConfig(providers, models);
}

describe('SIGTERM', () => {
  const ask = (client: (typeof CLIENT_DIALECTS)[number], name: string, stream: boolean) =>
    conversation(client, { model: `${name}/${client}`, key: KEY, stream, extra: { max_tokens: 60_000_000 } });

  test('lets streams finish within DRAIN_MS, and ends with 0', async () => {
    const dataDir = path.join(newFolder(), 'data');
    const gateway = await start({ config: configFor(), env: GATEWAY_ENV, dataDir });
    const streams = await Promise.all(CLIENT_DIALECTS.map((client) => open(gateway.url, ask(client, 'brief', true))));
    const replies = streams.map((stream) => readWhole(stream));
    const signalled = Date.now();
    const code = stop(gateway);
    await delay(300);
    await expect(send(gateway.url, { path: '/api/hello' })).rejects.toThrow(/ECONNREFUSED/);
    for (const [index, client] of CLIENT_DIALECTS.entries()) {
      const reply = await replies[index]!;
      expect(reply.complete).toBe(true);
      expect(looksComplete(client, reply.text)).toBe(true);
    }
    expect(await code).toBe(0);
    expect(Date.now() - signalled).toBeLessThan(8000);
    // What was still on its way at the signal is in the books.
    const shown = await usageTool(dataDir);
    for (const stream of streams) expect(shown).toContain(stream.headers['x-callmissed-request-id']);
  });

  test('ends what takes longer in the client’s own dialect, asks no other upstream, and bills it', async () => {
    const dataDir = path.join(newFolder(), 'data');
    const gateway = await start({ config: configFor(), env: { ...GATEWAY_ENV, DRAIN_MS: '700' }, dataDir });
    const streams = await Promise.all(CLIENT_DIALECTS.map((client) => open(gateway.url, ask(client, 'endless', true))));
    const streamed = streams.map((stream) => readWhole(stream));
    const before = simulator.served().requests.length;
    const mute = CLIENT_DIALECTS.map((client) => send(gateway.url, ask(client, 'mute', false)));
    await eventually('both are asked', () => simulator.served().requests.length === before + 2);
    const signalled = Date.now();
    const code = stop(gateway);
    for (const [index, client] of CLIENT_DIALECTS.entries()) {
      const reply = await streamed[index]!;
      expect(looksComplete(client, reply.text)).toBe(false);
      expect(streamError(client, reply.text)?.message).toMatch(/shutting down/);
      const refused = await mute[index]!;
      expect(refused.status).toBe(503);
      expect(errorIn(client, refused.text).message).toMatch(/shutting down/);
      expect(refused.headers['retry-after']).toBe('1');
    }
    expect(await code).toBe(0);
    expect(Date.now() - signalled).toBeGreaterThanOrEqual(650);
    expect(Date.now() - signalled).toBeLessThan(8000);
    expect(simulator.served().requests).toHaveLength(before + 2);
    const shown = await usageTool(dataDir);
    for (const stream of streams) {
      const line = shown.split('\n').find((each) => each.includes(String(stream.headers['x-callmissed-request-id'])));
      expect(line).toMatch(/\(estimated\).*upstream_error/);
    }
  });

  test('lets a slow client read the rest of a whole reply', async () => {
    const gateway = await start({ config: configFor(), env: GATEWAY_ENV });
    const response = await open(gateway.url, ask('anthropic', 'large', false));
    expect(response.statusCode).toBe(200);
    const code = stop(gateway);
    await delay(2500);
    const reply = await readWhole(response);
    expect(reply.complete).toBe(true);
    expect(JSON.parse(reply.text).content[0].text).toHaveLength(8000 * 1024);
    expect(await code).toBe(0);
  });
});
