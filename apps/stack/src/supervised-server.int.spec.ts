import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger, processStart, startNats, type Logger } from '@switchboard/platform';
import { SupervisedServer, type ServerLaunch } from './supervised-server';

let folder: string;
let logged: string[];
let log: Logger;
let server: SupervisedServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-supervised-'));
  logged = [];
  log = createLogger({ level: 'warn', name: 'test' }, { write: (line: string) => void logged.push(line) });
});

afterEach(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function supervised(before: (launch: ServerLaunch) => void = () => undefined): SupervisedServer {
  server = new SupervisedServer({
    name: 'nats',
    stopSignal: 'SIGTERM',
    log,
    changed: () => undefined,
    launch: (launch) => {
      before(launch);
      return startNats({ folder, log, ...(launch.port !== undefined && { port: launch.port }) });
    },
  });
  return server;
}

const pidOf = (of: SupervisedServer): number | undefined => of.entries[0]?.pid;

async function until(probe: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error('still not so');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('one that is killed comes back at its address, and it is said', async () => {
  const nats = supervised();
  await nats.start();
  const [pid, url] = [pidOf(nats), nats.url];
  expect(nats.guarded).toEqual([{ pid, kind: 'server', signal: 'SIGTERM' }]);
  expect(nats.kill('SIGKILL')).toBe(1);
  await until(() => pidOf(nats) !== undefined && pidOf(nats) !== pid);
  expect(nats.url).toBe(url);
  expect(logged.join()).toContain('nats ended (SIGKILL), it is started again');
});

test('one that is stopped stays away until it is started, then at its address', async () => {
  const nats = supervised();
  await nats.start();
  const [pid, url] = [pidOf(nats), nats.url];
  await nats.stop();
  expect(nats.entries).toEqual([]);
  expect(await processStart(pid ?? 0)).toBeUndefined();
  expect(nats.kill('SIGKILL')).toBe(0);
  // Whoever is started meanwhile is told where it is going to be.
  expect(nats.url).toBe(url);
  await nats.start();
  expect(nats.entries).toMatchObject([{ url, status: 'ready' }]);
  expect(logged).toEqual([]);
});

test('a stop while it starts leaves nothing running', async () => {
  const nats = supervised();
  const starting = nats.start();
  await nats.stop();
  await starting;
  expect(nats.entries).toEqual([]);
  await nats.start();
  expect(nats.entries).toHaveLength(1);
});

test('a failed start is told, and may be tried again', async () => {
  let fails = true;
  const nats = supervised(() => {
    if (fails) throw new Error('no such program');
  });
  await expect(nats.start()).rejects.toThrow('no such program');
  await expect(async () => nats.url).rejects.toThrow('nats was never started');
  fails = false;
  await nats.start();
  expect(nats.entries).toHaveLength(1);
});

test('it is guarded from its first moment on, before it is ready', async () => {
  let guarded: unknown;
  const nats = supervised(({ spawned }) => {
    spawned(4_194_305);
    guarded = nats.guarded;
  });
  await nats.start();
  expect(guarded).toEqual([{ pid: 4_194_305, kind: 'server', signal: 'SIGTERM' }]);
});
