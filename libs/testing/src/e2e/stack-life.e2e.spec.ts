import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { processStart } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { runStack, startStack, type RunningStack } from '../stack';
import { conversation, looksComplete } from './conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider } from './gateway-config';
import { open, readWhole, send } from './http-exchange';
import { eventually, usageOf } from './usage-ledger';

jest.setTimeout(300_000);

const run = promisify(execFile);

const folders: string[] = [];
const running = new Set<RunningStack>();
let simulator: RunningSimulator;

beforeAll(async () => {
  simulator = await startSimulator();
});

afterEach(async () => {
  for (const stack of running) await stop(stack);
});

afterAll(async () => {
  await simulator?.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-stack-life-'));
  // Under root, Postgres runs as a user of its own, who has to get in.
  chmodSync(folder, 0o711);
  folders.push(folder);
  return folder;
}

async function start(options: Parameters<typeof startStack>[0] = {}): Promise<RunningStack> {
  const stack = await startStack(options);
  running.add(stack);
  return stack;
}

async function stop(stack: RunningStack, signal?: NodeJS.Signals): Promise<number | string> {
  running.delete(stack);
  return stack.stop(signal);
}

const pidsOf = (stack: RunningStack, name: string): number[] =>
  stack.processes().flatMap((each) => (each.name === name ? [each.pid] : []));

async function alive(pids: readonly number[]): Promise<number[]> {
  const starts = await Promise.all(pids.map((pid) => processStart(pid)));
  return pids.filter((_, index) => starts[index] !== undefined);
}

function demoKeyOf(stack: RunningStack): string {
  return /^ {2}key +(\S+)$/m.exec(stack.output())?.[1] ?? '';
}

const SERVERS = ['nats', 'postgres', 'redis'];
const SERVICES = ['admin-api', 'edge-api', 'edge-api', 'metering', 'rate-limit', 'router'];

describe('a first run', () => {
  let first: RunningStack;
  let dataDir: string;
  let requestId: string;

  // Of one stack after the other: starting one is most of what this takes.
  beforeAll(async () => {
    dataDir = path.join(newFolder(), 'data');
    first = await startStack({ dataDir });
  });

  afterAll(() => first?.stop());

  test('answers the very curl it prints; its state file is right; each edge serves', async () => {
    const printed = /^curl:\n( {2}curl [\s\S]*?)\n\n/m.exec(first.output())?.[1] ?? '';
    expect(printed).toContain(first.url);
    const { stdout } = await run('sh', ['-c', printed.replace('curl ', 'curl -sS ')]);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'message', model: 'anthropic/claude-sonnet-4.6' });
    expect(first.output()).toContain(path.join(first.dataDir, 'logs'));
    expect(first.output()).toContain(first.stateFile);

    const processes = first.processes();
    expect(processes.map(({ name }) => name).sort()).toEqual([...SERVICES, ...SERVERS, 'simulator'].sort());
    expect(statSync(first.stateFile).mode & 0o777).toBe(0o600);
    const pids = processes.map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(pids.length);
    expect(await alive(pids)).toEqual(pids);
    expect(processes.map(({ status }) => status)).toEqual(processes.map(() => 'ready'));
    for (const { kind, url, port, adminUrl } of processes) {
      expect(new URL(url).port).toBe(String(port));
      if (kind === 'service') expect((await send(adminUrl ?? url, { path: '/readyz' })).status).toBe(200);
    }
    expect((await send(first.adminUrl, { path: '/readyz' })).status).toBe(200);

    const key = demoKeyOf(first);
    const edges = first.edges();
    expect(edges).toHaveLength(2);
    for (const edge of edges) {
      const reply = await send(edge, conversation('chat', { model: 'sim/echo', key }));
      expect(reply.status).toBe(200);
      requestId = String(reply.headers['x-callmissed-request-id']);
      await usageOf(first, requestId);
    }
  });

  test('lets no other start in its folder: a clear message, and it is not disturbed', async () => {
    const second = await runStack({
      DATA_DIR: first.dataDir,
      STACK_STATE: first.stateFile,
      PORT: '0',
      ADMIN_PORT: '0',
    });
    expect(second.code).toBe(1);
    expect(second.output).toContain(`running already (process ${first.pid})`);
    const other = await runStack({
      DATA_DIR: path.join(newFolder(), 'data'),
      STACK_STATE: first.stateFile,
      PORT: '0',
      ADMIN_PORT: '0',
    });
    expect(other.code).toBe(1);
    expect(other.output).toContain(`running already (process ${first.pid}`);
    expect(existsSync(first.stateFile)).toBe(true);
    const reply = await send(first.url, conversation('chat', { model: 'sim/echo', key: demoKeyOf(first) }));
    expect(reply.status).toBe(200);
  });

  test('Ctrl-C leaves no process and no file; its key and records live through that, and through a kill', async () => {
    const key = demoKeyOf(first);
    const firstPids = first.processes().map(({ pid }) => pid);
    expect(await first.stop('SIGINT')).toBe(0);
    expect(await alive(firstPids)).toEqual([]);
    expect(existsSync(first.stateFile)).toBe(false);

    const second = await start({ dataDir });
    expect(demoKeyOf(second)).toBe(key);
    await usageOf(second, requestId);
    const pids = second.processes().map(({ pid }) => pid);
    const killedAt = Date.now();
    expect(await stop(second, 'SIGKILL')).toBe('SIGKILL');
    expect(Date.now() - killedAt).toBeLessThan(20_000);
    expect(await alive(pids)).toEqual([]);

    const third = await start({ dataDir });
    await usageOf(third, requestId);
    expect((await send(third.url, conversation('chat', { model: 'sim/echo', key }))).status).toBe(200);
  });
});

describe('what keeps it from starting', () => {
  test('a port in use: a message that names it, and nothing is left running', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const folder = newFolder();
    const state = path.join(folder, 'stack.json');
    const result = await runStack({ PORT: String(port), ADMIN_PORT: '0', DATA_DIR: folder, STACK_STATE: state });
    taken.close();
    expect(result.code).toBe(1);
    expect(result.output).toContain(String(port));
    expect(existsSync(state)).toBe(false);
  });

  test('faults of the arguments, the environment and the file are all told at once', async () => {
    const folder = newFolder();
    const file = path.join(folder, 'gateway.yaml');
    writeFileSync(
      file,
      JSON.stringify({
        providers: [{ id: 'near', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1' }],
        surprise: true,
      }),
    );
    const env = { GATEWAY_CONFIG: file, DATA_DIR: path.join(folder, 'data'), PORT: 'eighty' };
    const { code, output } = await runStack(env, ['--replicas', 'edge=3', '--replicas', 'router=none']);
    expect(code).toBe(1);
    for (const fault of [/edge=3/, /router=none/, /PORT: /, /surprise/, /providers\[0\]\.baseUrl: .*trustedNetwork/]) {
      expect(output).toMatch(fault);
    }
    expect(existsSync(path.join(folder, 'data'))).toBe(false);
  });
});

describe('a running stack', () => {
  const configFor = () =>
    gatewayConfig(
      [provider('sim-anthropic', 'anthropic', simulator.url, { trustedNetwork: false })],
      [
        model('quick', [{ provider: 'sim-anthropic', model: 'sim-any' }]),
        model('lasting', [{ provider: 'sim-anthropic', model: 'sim-any;chunks=100;chunk_delay_ms=100' }]),
      ],
    );

  let stack: RunningStack;

  beforeAll(async () => {
    stack = await startStack({ config: configFor(), env: GATEWAY_ENV, replicas: { 'edge-api': 3 } });
  });

  afterAll(() => stack?.stop());

  test('three edges serve behind one port, whatever dies comes back, and requests go on', async () => {
    expect(stack.edges()).toHaveLength(3);
    expect(stack.processes().map(({ name }) => name)).not.toContain('simulator');
    const ask = () => send(stack.url, conversation('anthropic', { model: 'quick', key: KEY }));
    for (let index = 0; index < 6; index++) expect((await ask()).status).toBe(200);

    for (const [victim, name] of [
      ['edge-api-2', 'edge-api'],
      ['router', 'router'],
      ['rate-limit', 'rate-limit'],
      ['metering', 'metering'],
      ['admin-api', 'admin-api'],
      ['redis', 'redis'],
      ['nats', 'nats'],
      ['postgres', 'postgres'],
    ] as const) {
      const before = pidsOf(stack, name);
      await stack.control('kill', victim);
      // What reaches a process while it dies dies with it, and is not what this is about: its parent hears of the end last.
      if (name === 'edge-api') await eventually('it is gone', () => stack.output().includes(`${victim} ended (`));
      for (let index = 0; index < 3; index++) {
        const outcome = await ask().then(({ status }) => status, String);
        expect({ victim, outcome }).toEqual({ victim, outcome: 200 });
      }
      await eventually(
        `${victim} is back`,
        () =>
          pidsOf(stack, name).length === before.length &&
          pidsOf(stack, name).some((pid) => !before.includes(pid)) &&
          stack.processes().every(({ status }) => status === 'ready'),
        30_000,
      );
    }
    const reply = await ask();
    await usageOf(stack, String(reply.headers['x-callmissed-request-id']));
  });

  test('a rolling restart replaces every service, and cuts no stream', async () => {
    const before = stack.processes().filter(({ kind }) => kind === 'service');
    const streams = await Promise.all(
      Array.from({ length: 20 }, () =>
        open(stack.url, conversation('anthropic', { model: 'lasting', key: KEY, stream: true })),
      ),
    );
    const replies = streams.map((stream) => readWhole(stream));
    let failed = 0;
    let restarting = true;
    const asking = (async () => {
      while (restarting) {
        const reply = await send(stack.url, conversation('anthropic', { model: 'quick', key: KEY }));
        if (reply.status !== 200) failed += 1;
        await delay(20);
      }
    })();
    await stack.control('restart');
    restarting = false;
    await asking;
    expect(failed).toBe(0);
    const now = stack.processes().filter(({ kind, status }) => kind === 'service' && status !== 'draining');
    expect(now.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
    expect(now.map(({ pid }) => pid)).not.toEqual(expect.arrayContaining([before[0]!.pid]));
    for (const reply of await Promise.all(replies)) {
      expect(reply.complete).toBe(true);
      expect(looksComplete('anthropic', reply.text)).toBe(true);
    }
    await eventually('the old ones are gone', async () => (await alive(before.map(({ pid }) => pid))).length === 0);
  });

  test('is told what to do from the command line, and says what it did', async () => {
    const env = { STACK_STATE: stack.stateFile };
    const [redis] = pidsOf(stack, 'redis');
    expect((await runStack(env, ['stop', 'redis'])).output).toContain('redis: stopped');
    expect(await alive([redis!])).toEqual([]);
    expect(pidsOf(stack, 'redis')).toEqual([]);
    const port = (processes: string): number => Number(/redis:\/\/127\.0\.0\.1:(\d+)/.exec(processes)?.[1]);
    expect((await runStack(env, ['start', 'redis'])).output).toContain('redis: started');
    const status = await runStack(env, ['status']);
    expect(port(status.output)).toBe(stack.processes().find(({ name }) => name === 'redis')?.port);
    expect(status.output).not.toContain(stack.adminToken);
    // A database's URL holds its password; the state file, which only its owner can read, has it.
    const password = new URL(stack.processes().find(({ name }) => name === 'postgres')!.url).password;
    expect(password).not.toBe('');
    expect(status.output).not.toContain(password);
    const refused = await runStack(env, ['stop', 'nobody']);
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('nobody: there is none');
    const none = await runStack({ STACK_STATE: path.join(newFolder(), 'none.json') }, ['status']);
    expect(none.code).toBe(1);
    expect(none.output).toContain('No stack runs here');
    const log = readFileSync(path.join(stack.dataDir, 'logs', 'edge-api-1.log'), 'utf8');
    expect(log).not.toContain(GATEWAY_ENV.E2E_UPSTREAM_KEY);
  });
});
