import { Agent } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processStart } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startStack, type RunningStack, type StackProcess } from '../stack';
import { conversation } from './conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, keyHash, model, provider, UPSTREAM_DIALECTS } from './gateway-config';
import { open, readWhole, send, type Call } from './http-exchange';
import { openStreams, upstreamDigest, type OpenStream, type StreamEnd } from './many-streams';
import { ShortCalls, type ShortCall } from './short-calls';
import { allUsage, eventually } from './usage-ledger';

jest.setTimeout(300_000);

const LIMITED_KEY = 'cm_test_e2e-limited';
const BUDGETED_KEY = 'cm_test_e2e-budgeted';
const KEYS = [KEY, LIMITED_KEY, BUDGETED_KEY];
const STREAMS = 200;
/** 119 pauses of half a second. Pieces of 97 bytes: those next to each other differ. */
const LASTING = 'chunks=120;chunk_bytes=97';
const LASTING_MS = 59_500;
const BRIEF = 'chunks=20;chunk_bytes=97';

const onModel = (name: string) => (upstream: string) => `${name}/${upstream}`;

let simulator: RunningSimulator;
let stack: RunningStack;
/** What asks on and on; stopped here where a test fails before it does. */
const asking = new Set<{ stop(): Promise<unknown> }>();

beforeAll(async () => {
  simulator = await startSimulator();
  const models = UPSTREAM_DIALECTS.flatMap((dialect) => {
    const served = (scenario: string) => [{ provider: dialect, model: `sim-any;${scenario}` }];
    return [
      model(`lasting/${dialect}`, served(`${LASTING};chunk_delay_ms=500`)),
      model(`brief/${dialect}`, served(`${BRIEF};chunk_delay_ms=500`)),
      model(`quick/${dialect}`, served('chunks=3')),
    ];
  });
  const keys = [
    { name: 'limited', key: { hash: keyHash(LIMITED_KEY) }, limits: { rpm: 1_000_000, concurrency: 10_000 } },
    { name: 'budgeted', key: { hash: keyHash(BUDGETED_KEY) }, budget: { usd: 1_000_000, period: 'day' } },
  ];
  const providers = UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulator.url));
  stack = await startStack({ config: gatewayConfig(providers, models, keys), env: GATEWAY_ENV });
});

afterEach(async () => {
  await Promise.all([...asking].map((each) => each.stop()));
  asking.clear();
});

afterAll(async () => {
  await stack?.stop();
  await simulator?.close();
});

const services = (): StackProcess[] => stack.processes().filter(({ kind }) => kind === 'service');

const edges = (): StackProcess[] =>
  services().filter(({ name, status }) => name === 'edge-api' && status !== 'draining');

const admin = (apiPath: string, agent?: Agent): Call => ({
  ...{ path: `/api/v1/${apiPath}`, headers: { authorization: `Bearer ${stack.adminToken}` } },
  ...(agent && { agent }),
});

async function openReservations(key: string): Promise<number> {
  const reply = await send(stack.adminUrl, admin(`keys/key_acme_${key}/rate-state`));
  expect(reply.status).toBe(200);
  return (JSON.parse(reply.text) as { key: { open: number } }).key.open;
}

async function alive(processes: readonly StackProcess[]): Promise<string[]> {
  const starts = await Promise.all(processes.map(({ pid }) => processStart(pid)));
  return processes.flatMap(({ name, pid }, index) => (starts[index] === undefined ? [] : [`${name} ${pid}`]));
}

async function residentMegabytes({ adminUrl }: StackProcess): Promise<number> {
  const metrics = await send(adminUrl ?? '', { path: '/metrics' });
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics.text)?.[1]) / 1024 / 1024;
}

/** Both kinds of admin clients, ten times a second, until stopped. @returns what was not answered with 200. */
function askingAdmin(): { stop(): Promise<string[]> } {
  const agent = new Agent({ keepAlive: true });
  const faults: string[] = [];
  let stopped = false;
  const ask = async (call: Call): Promise<void> => {
    const told = call.agent === undefined ? 'new' : 'kept';
    try {
      const { status, complete } = await send(stack.adminUrl, call);
      if (status !== 200 || !complete) faults.push(`${told}: ${status} ${complete ? '' : 'cut'}`);
    } catch (error) {
      faults.push(`${told}: ${(error as Error).message}`);
    }
  };
  const running = (async () => {
    for (let index = 0; !stopped; index++) {
      await ask(admin('usage?limit=1', index % 2 === 0 ? agent : undefined));
      await delay(50);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await running;
      agent.destroy();
      return faults;
    },
  };
}

async function expectWhole(streams: readonly OpenStream[]): Promise<StreamEnd[]> {
  const ends: StreamEnd[] = [];
  for (const { prompt, end } of streams) {
    const reply = await end;
    const digest = await upstreamDigest(simulator.url, `sim-any;${LASTING}`, prompt);
    expect(reply).toMatchObject({ status: 200, complete: true, whole: true, digest });
    ends.push(reply);
  }
  return ends;
}

/** Lines of the services' logs that tell of a fault, or of an end that was none of its own. */
function faultsOfLogs(): string[] {
  const names = ['router', 'rate-limit', 'metering', 'admin-api', 'edge-api-1', 'edge-api-2'];
  return names.flatMap((name) => {
    const file = path.join(stack.dataDir, 'logs', `${name}.log`);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : ['no log'];
    const stops = lines.filter((line) => line.includes('"msg":"stopped"')).length;
    return [
      ...(stops === 1 ? [] : [`${name}: ${stops} clean ends`]),
      ...lines.filter((line) => /"level":"?(error|fatal|50|60)/.test(line)).map((line) => `${name}: ${line}`),
    ];
  });
}

test('every service is replaced under 200 streams of a minute: no stream is cut, no request fails, every call is booked once', async () => {
  const before = stack.processes();
  const idle = await Promise.all(edges().map(residentMegabytes));
  const shortCalls = new ShortCalls({ url: stack.url, keys: KEYS, model: onModel('quick'), intervalMs: 100 });
  const adminCalls = askingAdmin();
  asking.add(shortCalls).add(adminCalls);
  const startedMs = performance.now();
  const streams = await openStreams({ url: stack.url, count: STREAMS, keys: KEYS, model: onModel('lasting') });
  const bounded = (key: number): number =>
    streams.filter((_, index) => KEYS[(index >> 2) % KEYS.length] === KEYS[key]).length;
  const loaded = await Promise.all(edges().map(residentMegabytes));
  await stack.control('restart');
  const restartedMs = performance.now();
  const drainingNow = () => stack.processes().filter(({ status }) => status === 'draining');
  // An admin-api that was replaced may still wait for its clients to move.
  await eventually('only the edges drain', () => drainingNow().every(({ name }) => name === 'edge-api'));
  const draining = drainingNow();
  expect(draining).toHaveLength(2);
  expect(restartedMs - startedMs).toBeLessThan(LASTING_MS);
  // Beside the streams, one of the short calls may be open at any moment.
  await eventually('what is open is known', async () => (await openReservations('limited')) === bounded(1));
  await eventually('what is open is known', async () => (await openReservations('budgeted')) === bounded(2));
  const drained = await Promise.all(draining.map(residentMegabytes));

  const ends = await expectWhole(streams);
  for (const { endedAtMs } of ends) expect(endedAtMs).toBeGreaterThan(restartedMs);
  const old = before.filter(({ kind }) => kind === 'service');
  await eventually('the old ones are gone', async () => (await alive(old)).length === 0, 20_000);
  const short = await shortCalls.stop();
  expect(await adminCalls.stop()).toEqual([]);
  expect(short.filter(({ status, whole }) => status !== 200 || !whole)).toEqual([]);
  expect(short.length).toBeGreaterThan(400);

  expect(
    stack
      .processes()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(before.map(({ name }) => name).sort());
  const pids = new Set(before.map(({ pid }) => pid));
  expect(services().filter(({ pid }) => pids.has(pid))).toEqual([]);
  expect(faultsOfLogs()).toEqual([]);
  await expectBooked([...ends, ...short].map(({ requestId }) => requestId));
  tell({ idle, loaded, drained, restartMs: restartedMs - startedMs, short });
});

async function expectBooked(requestIds: readonly string[]): Promise<void> {
  expect(new Set(requestIds).size).toBe(requestIds.length);
  await eventually('every call is booked', async () => (await allUsage(stack)).length >= requestIds.length);
  const booked = await allUsage(stack);
  expect(booked.map(({ requestId }) => requestId).sort()).toEqual([...requestIds].sort());
  expect(booked.filter(({ accuracy, attempts }) => accuracy !== 'exact' || attempts !== 1)).toEqual([]);
  await eventually('nothing is reserved any more', async () => (await openReservations('limited')) === 0);
  await eventually('nothing is reserved any more', async () => (await openReservations('budgeted')) === 0);
}

function tell(seen: {
  idle: number[];
  loaded: number[];
  drained: number[];
  restartMs: number;
  short: ShortCall[];
}): void {
  const megabytes = (each: number[]): string => each.map((value) => value.toFixed(0)).join(', ');
  const slowest = Math.max(...seen.short.map(({ durationMs }) => durationMs));
  process.stdout.write(
    `edge memory, MB: ${megabytes(seen.idle)} idle; ${megabytes(seen.loaded)} with 100 streams; ` +
      `${megabytes(seen.drained)} with them, replaced. Restart: ${Math.round(seen.restartMs)} ms. ` +
      `Short requests: ${seen.short.length}, slowest ${Math.round(slowest)} ms.\n`,
  );
}

test('an edge that drains asks its clients to leave, takes no new connection, and finishes what it streams', async () => {
  const [edge] = edges();
  const [asked, silent] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const ask = (agent?: Agent) =>
    send(edge!.url, {
      ...conversation('chat', { model: 'quick/anthropic', key: KEY }),
      ...(agent && { agent }),
    });
  for (const agent of [asked, silent]) expect((await ask(agent)).headers.connection).toBe('keep-alive');
  const stream = await open(edge!.url, conversation('anthropic', { model: 'brief/chat', key: KEY, stream: true }));
  const reply = readWhole(stream);

  await stack.control('restart', `edge-api-${edge!.replica}`);
  await eventually('it is unready', async () => (await send(edge!.adminUrl ?? '', { path: '/readyz' })).status === 503);
  const { status, headers } = await ask(asked);
  expect({ status, connection: headers.connection }).toEqual({ status: 200, connection: 'close' });
  await eventually('new connections are refused', () => ask().then(() => false, isRefused), 5_000);
  const late = await ask(silent);
  expect({ status: late.status, connection: late.headers.connection }).toEqual({ status: 200, connection: 'close' });
  for (let index = 0; index < 10; index++) {
    expect((await send(stack.url, conversation('chat', { model: 'quick/chat', key: KEY }))).status).toBe(200);
  }
  expect(await alive([edge!])).toHaveLength(1);
  expect((await reply).complete).toBe(true);
  await eventually('it is gone', async () => (await alive([edge!])).length === 0);
  asked.destroy();
  silent.destroy();
});

const isRefused = (error: Error & { code?: string }): boolean => error.code === 'ECONNREFUSED';

test('an edge that is killed takes its own streams with it, and nothing else', async () => {
  const [victim, other] = edges();
  const opened = (url: string, count: number) => openStreams({ url, count, keys: [KEY], model: onModel('brief') });
  const [lost, kept, either] = await Promise.all([
    opened(victim!.url, 10),
    opened(other!.url, 10),
    opened(stack.url, 20),
  ]);
  const endings = Promise.all([lost, kept, either].map((streams) => Promise.all(streams.map(({ end }) => end))));
  const killedMs = performance.now();
  await stack.control('kill', `edge-api-${victim!.replica}`);
  await Promise.race(lost.map(({ end }) => end));
  for (let index = 0; index < 30; index++) {
    expect((await send(stack.url, conversation('chat', { model: 'quick/chat', key: KEY }))).status).toBe(200);
  }
  await eventually(
    'it is back',
    () => edges().length === 2 && edges().every(({ pid, status }) => pid !== victim!.pid && status === 'ready'),
    30_000,
  );
  const back = edges().find(({ replica }) => replica === victim!.replica);
  const reply = await send(back!.url, conversation('chat', { model: 'quick/chat', key: KEY }));
  expect(reply.status).toBe(200);

  const [lostEnds = [], keptEnds = [], eitherEnds = []] = await endings;
  for (const { complete, whole, endedAtMs } of lostEnds) {
    expect({ complete, whole }).toEqual({ complete: false, whole: false });
    expect(endedAtMs - killedMs).toBeLessThan(1_000);
  }
  expect(keptEnds.filter(({ complete, whole }) => !complete || !whole)).toEqual([]);
  for (const { complete, whole } of eitherEnds) expect(whole).toBe(complete);
  expect(new Set(eitherEnds.map(({ complete }) => complete))).toEqual(new Set([true, false]));
});
