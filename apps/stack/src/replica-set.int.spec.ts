import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, freePort, type Logger } from '@switchboard/platform';
import { ProcessLogs } from './process-log';
import { ReplicaSet } from './replica-set';
import { ServiceProcess } from './service-process';

const SCRIPT = path.join(__dirname, '__fixtures__/service.cjs');

let folder: string;
let logs: ProcessLogs;
let logged: string[];
let log: Logger;
let set: ReplicaSet | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-replicas-'));
  logs = new ProcessLogs(folder, () => undefined);
  logged = [];
  log = createLogger({ level: 'warn', name: 'test' }, { write: (line: string) => void logged.push(line) });
});

afterEach(async () => {
  await set?.stop(0);
  await logs.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `env` is asked for at each start: a later process may differ from the first. */
function replicas(count: number, env: () => Record<string, string>): ReplicaSet {
  set = new ReplicaSet({
    name: 'fixture',
    kind: 'service',
    replicas: count,
    log,
    changed: () => undefined,
    launch: async (replica) => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      return new ServiceProcess(
        {
          name: 'fixture',
          replica,
          script: SCRIPT,
          env: { ...process.env, ADMIN_PORT: String(port), ...env() },
          logDescriptor: logs.open('fixture'),
          port,
          url,
          readinessUrl: `${url}/readyz`,
        },
        () => undefined,
      );
    },
  });
  return set;
}

const pidsOf = (of: ReplicaSet): number[] => of.entries.map(({ pid }) => pid);

async function until(probe: () => boolean, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!probe()) {
    if (Date.now() > deadline) throw new Error('still not so');
    await delay(20);
  }
}

test('replicas are told as starting, then as ready, each under its number', async () => {
  const started = replicas(2, () => ({ READY_MS: '300' }));
  await started.start();
  expect(started.entries).toMatchObject([
    { name: 'fixture', replica: 1, status: 'starting' },
    { name: 'fixture', replica: 2, status: 'starting' },
  ]);
  expect(await started.untilReady(5_000)).toBe(true);
  expect(started.entries.map(({ status }) => status)).toEqual(['ready', 'ready']);
  await started.start();
  expect(started.entries).toHaveLength(2);
});

test('one that is killed comes back as another process, and it is said', async () => {
  const started = replicas(2, () => ({}));
  await started.start();
  await started.untilReady(5_000);
  const [first, second] = pidsOf(started);
  expect(started.kill('SIGKILL', 1)).toBe(1);
  await until(() => started.ready && pidsOf(started)[0] !== first);
  expect(pidsOf(started)[1]).toBe(second);
  expect(logged.join()).toContain('fixture-1 ended (SIGKILL), it is started again');
});

test('one that does not start is tried again ever more slowly, and counted', async () => {
  const started = replicas(1, () => ({ FAIL: 'no such luck' }));
  await started.start();
  await until(() => started.failing(3) === 'fixture', 10_000);
  const pauses = logged.map((line) => (JSON.parse(line) as { inMs: number }).inMs);
  expect(pauses.slice(0, 3)).toEqual([200, 400, 800]);
  expect(await logs.lastLines('fixture', 1)).toBe('no such luck');
});

test('a rolling replacement never leaves fewer that are ready, and the old ones drain for as long as they need', async () => {
  const started = replicas(2, () => ({ READY_MS: '300', DRAIN_MS: '1500' }));
  await started.start();
  await started.untilReady(5_000);
  const before = pidsOf(started);
  let fewest = 2;
  const watch = setInterval(() => {
    fewest = Math.min(fewest, started.current.filter(({ ready, draining }) => ready && !draining).length);
  }, 5);
  await started.roll();
  clearInterval(watch);
  expect(fewest).toBe(2);
  const draining = started.entries.filter(({ status }) => status === 'draining').map(({ pid }) => pid);
  expect(draining).toEqual(before);
  expect(started.current.map(({ pid }) => pid)).not.toEqual(expect.arrayContaining(before));
  await until(() => started.entries.length === 2);
  expect(logged).toEqual([]);
});

test('a replacement that does not start leaves the old one serving, and is an error', async () => {
  let fails = false;
  const started = replicas(1, (): Record<string, string> => (fails ? { FAIL: 'bad build' } : {}));
  await started.start();
  await started.untilReady(5_000);
  const before = pidsOf(started);
  fails = true;
  await expect(started.roll()).rejects.toThrow('the new fixture did not become ready');
  expect(pidsOf(started)).toEqual(before);
  expect(started.ready).toBe(true);
});

test('one that dies while its replacement starts is replaced by it', async () => {
  const started = replicas(1, () => ({ READY_MS: '500' }));
  await started.start();
  await started.untilReady(5_000);
  const rolled = started.roll();
  await until(() => started.entries.length === 2);
  started.kill('SIGKILL');
  await rolled;
  await delay(500);
  expect(started.entries).toMatchObject([{ status: 'ready' }]);
});

test('a stop waits for those that drain, kills those that take too long, and brings nothing back', async () => {
  const started = replicas(2, () => ({ DRAIN_MS: '60000' }));
  await started.start();
  await started.untilReady(5_000);
  const at = Date.now();
  await started.stop(400);
  expect(Date.now() - at).toBeGreaterThanOrEqual(390);
  expect(Date.now() - at).toBeLessThan(3_000);
  await delay(500);
  expect(started.entries).toEqual([]);
  await started.start();
  expect(await started.untilReady(5_000)).toBe(true);
});
