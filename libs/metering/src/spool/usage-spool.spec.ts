import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { UsageRecordedV1 } from '@switchboard/contracts';
import { createLogger, createMetrics, type Metrics } from '@switchboard/platform';
import { event, ids } from '../__fixtures__/usage-events';
import { metricOf, until } from '../__fixtures__/waiting';
import { intent } from './__fixtures__/intents';
import { UsageSpool } from './usage-spool';

jest.setTimeout(60_000);

const FIXTURES = path.join(__dirname, '__fixtures__');
const MEBIBYTE = 1024 * 1024;

interface Opened {
  spool: UsageSpool;
  metrics: Metrics;
  /** What it offered, in order. */
  told: UsageRecordedV1[];
  /** What is offered from now on is refused. */
  full: boolean;
}

let dir: string;
let logged: string[];
const opened: UsageSpool[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'switchboard-spool-'));
  logged = [];
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const spool of opened.splice(0)) await spool.close();
  rmSync(dir, { recursive: true, force: true });
});

async function open(bytesMax = 64 * MEBIBYTE): Promise<Opened> {
  const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
  const metrics = createMetrics();
  const spool = await UsageSpool.open({ dir, bytesMax, log, metrics, adoptIntervalMs: 50 });
  opened.push(spool);
  const own: Opened = { spool, metrics, told: [], full: false };
  return own;
}

function replay(own: Opened): void {
  own.spool.replayTo((record) => {
    if (own.full) return false;
    own.told.push(record);
    return true;
  });
}

async function openAndReplay(bytesMax?: number): Promise<Opened> {
  const own = await open(bytesMax);
  replay(own);
  return own;
}

/** As a kill leaves it: the folder names a process that is no more, above every pid_max. */
async function kill({ spool }: Opened): Promise<void> {
  await nextTurn();
  opened.splice(opened.indexOf(spool), 1);
  await spool.close();
  abandon();
}

function abandon(): void {
  readdirSync(dir).forEach((name, index) => {
    const dead = `${2 ** 30 + index}-0123456789abcdef-${String(index).padStart(8, '0')}.v1`;
    renameSync(path.join(dir, name), path.join(dir, dead));
  });
}

function files(): string[] {
  return readdirSync(dir).flatMap((name) =>
    readdirSync(path.join(dir, name)).map((file) => path.join(dir, name, file)),
  );
}

const ignored = (): void => undefined;
const lines = (text: string): string[] => logged.filter((line) => line.includes(text));
const idsOf = (events: readonly UsageRecordedV1[]): string[] => events.map(({ requestId }) => requestId).sort();

describe('while its process lives', () => {
  test('nothing is left of what was stored, and nobody else touches what was not', async () => {
    const [own, other] = [await openAndReplay(), await openAndReplay()];
    for (const id of ids(10)) own.spool.intent(intent(id), ignored);
    const events = ids(10).map((id) => event(id));
    for (const each of events) own.spool.usage(each);
    expect([own.spool.open, await metricOf(own.metrics, 'usage_spool_records')]).toEqual([10, 10]);
    await delay(300);
    expect(other.told).toEqual([]);
    own.spool.stored(events);
    expect(own.spool.open).toBe(0);
    opened.splice(0);
    await Promise.all([own.spool.close(), other.spool.close()]);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('an intent is in the file when its call may go on, and usage after the turn', async () => {
    const { spool } = await open();
    const size = () => files().reduce((sum, file) => sum + statSync(file).size, 0);
    const afterIntent = await new Promise<number>((resolve) => spool.intent(intent('req_1'), () => resolve(size())));
    expect(afterIntent).toBeGreaterThan(JSON.stringify(intent('req_1')).length);
    spool.usage(event('req_1'));
    await nextTurn();
    await nextTurn();
    expect(size()).toBeGreaterThan(afterIntent + JSON.stringify(event('req_1')).length);
    expect(size()).toBe(spool.bytes);
  });

  test('files whose records are all stored go, whatever the traffic: the spool stays small', async () => {
    const { spool } = await open(4 * MEBIBYTE);
    let most = 0;
    for (let round = 0; round < 100; round++) {
      const events = ids(200).map((id) => event(`${id}_${round}`));
      for (const { requestId } of events) spool.intent(intent(requestId), ignored);
      for (const each of events) expect(spool.usage(each)).toBe(true);
      spool.stored(events);
      most = Math.max(most, spool.bytes);
      await delay(5);
    }
    // A hundred rounds are 24 MiB.
    expect(most).toBeLessThan(4 * MEBIBYTE);
    await until(() => spool.bytes < MEBIBYTE / 2);
  });

  test('a call that lasts does not keep what came after it, and is still known when its process dies', async () => {
    const own = await open(8 * MEBIBYTE);
    own.spool.intent(intent('req_long'), ignored);
    for (let round = 0; round < 150; round++) {
      const events = ids(200).map((id) => event(`${id}_${round}`));
      for (const each of events) expect(own.spool.usage(each)).toBe(true);
      own.spool.stored(events);
      await delay(5);
    }
    await until(() => own.spool.bytes < 6 * MEBIBYTE);
    expect(own.spool.open).toBe(1);
    await kill(own);
    const next = await openAndReplay();
    await until(() => next.told.length > 0);
    await delay(200);
    expect(next.told).toMatchObject([{ requestId: 'req_long', accuracy: 'orphaned' }]);
  });

  test('a spool that is full says so once, counts what is in memory only, and takes usage longer than new calls', async () => {
    const { spool, metrics } = await openAndReplay(MEBIBYTE);
    const all = ids(4_000);
    for (const id of all) spool.intent(intent(id), ignored);
    const intents = spool.open;
    expect(intents).toBeLessThan(4_000);
    expect(await metricOf(metrics, 'usage_spool_refused_total')).toBe(4_000 - intents);
    expect(spool.usage(event('req_0'))).toBe(true);
    const kept = all.filter((id) => spool.usage(event(id)));
    expect(kept.length).toBeGreaterThan(100);
    expect(spool.bytes).toBeLessThanOrEqual(MEBIBYTE);
    expect(files().reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThanOrEqual(MEBIBYTE);
    expect(lines('the spool is full')).toHaveLength(1);
    expect(JSON.parse(lines('the spool is full')[0]!).level).toBe('error');

    spool.stored(all.map((id) => event(id)));
    await until(() => spool.bytes < MEBIBYTE / 4);
    await until(() => lines('has room again').length === 1);
    expect(spool.usage(event('req_later'))).toBe(true);
  });

  test('usage that memory had no room for is offered again once there is', async () => {
    const own = await openAndReplay();
    own.full = true;
    const events = ids(1_200).map((id) => event(id));
    for (const each of events) {
      own.spool.usage(each);
      own.spool.leave(each);
    }
    await delay(200);
    own.full = false;
    await until(() => own.told.length >= 1_200);
    await delay(200);
    expect(own.told).toEqual(events);
    own.spool.stored(own.told);
    expect(own.spool.open).toBe(0);
  });

  test('a folder that cannot be made is a fault at the start that names it', async () => {
    appendFileSync(path.join(dir, 'file'), '');
    const below = path.join(dir, 'file', 'spool');
    const log = createLogger({ level: 'silent', name: 'test' });
    const opening = UsageSpool.open({ dir: below, bytesMax: MEBIBYTE, log, metrics: createMetrics() });
    await expect(opening).rejects.toThrow(`the spool folder ${below} (SPOOL_DIR) cannot be written: `);
  });

  test('a disk that takes nothing ends no call: records are in memory only, and counted', async () => {
    const { spool, metrics } = await open(MEBIBYTE);
    // The next file cannot be made; root may write anywhere, but not into what is no folder.
    const [name = ''] = readdirSync(dir);
    rmSync(path.join(dir, name), { recursive: true });
    appendFileSync(path.join(dir, name), '');
    let goneOn = 0;
    for (const id of ids(500)) spool.intent(intent(id), () => goneOn++);
    await until(() => goneOn === 500);
    expect(await metricOf(metrics, 'usage_spool_refused_total')).toBeGreaterThan(300);
    expect(lines('the spool cannot be written')).toHaveLength(1);
    rmSync(path.join(dir, name));
    mkdirSync(path.join(dir, name));
    await until(() => spool.usage(event('req_later')));
    await until(() => lines('the spool is written again').length === 1);
  });
});

describe('after its process died', () => {
  test('usage that was not stored is told as it was, and a call without usage at the most it can have come to', async () => {
    const own = await open();
    for (const id of ids(5)) own.spool.intent(intent(id), ignored);
    const events = ids(4).map((id) => event(id));
    for (const each of events) own.spool.usage(each);
    own.spool.stored(events.slice(0, 2));
    await kill(own);

    const next = await openAndReplay();
    await until(() => next.told.length === 3);
    const { inputTokens, outputTokens, ...call } = intent('req_4');
    expect(next.told.slice(0, 2)).toEqual(events.slice(2));
    expect(next.told[2]).toMatchObject({ ...call, accuracy: 'orphaned', finish: 'orphaned', status: 500 });
    expect(next.told[2]?.usage).toMatchObject({ inputTokens, outputTokens });
    expect(await metricOf(next.metrics, 'usage_spool_replayed_total')).toBe(2);
    expect(await metricOf(next.metrics, 'usage_spool_orphans_total')).toBe(1);
    expect(await metricOf(next.metrics, 'usage_spool_records')).toBe(3);

    // Not stored yet: the folder stays, for whoever comes next.
    await delay(200);
    expect(readdirSync(dir)).toHaveLength(2);
    next.spool.stored(next.told);
    await until(() => readdirSync(dir).length === 1);
    expect(next.spool.open).toBe(0);
  });

  test('who dies while telling leaves all of it to the next one', async () => {
    const own = await open();
    const events = ids(300).map((id) => event(id));
    for (const each of events) own.spool.usage(each);
    await kill(own);
    const second = await openAndReplay();
    await until(() => second.told.length === 300);
    second.spool.stored(second.told.slice(0, 100));
    await kill(second);
    const third = await openAndReplay();
    await until(() => third.told.length === 300);
    third.spool.stored(third.told);
    await until(() => readdirSync(dir).length === 1);
    expect(idsOf(third.told)).toEqual([...ids(300)].sort());
  });

  test('what there is no room for waits, without end and without being lost', async () => {
    const own = await open();
    for (const id of ids(20)) own.spool.usage(event(id));
    await kill(own);
    const next = await open();
    next.full = true;
    replay(next);
    await delay(300);
    expect(next.told).toEqual([]);
    next.full = false;
    await until(() => next.told.length === 20);
  });

  test('of many that find it at once exactly one tells it, whole', async () => {
    for (let round = 0; round < 5; round++) {
      const own = await open();
      const names = ids(50).map((id) => `${id}_${round}`);
      for (const id of names) own.spool.usage(event(id));
      await kill(own);
      const adopters = await Promise.all(Array.from({ length: 8 }, () => open()));
      for (const adopter of adopters) replay(adopter);
      await until(() => adopters.some(({ told }) => told.length === 50));
      await delay(150);
      expect(adopters.map(({ told }) => told.length).sort()).toEqual([...Array(7).fill(0), 50]);
      for (const { spool, told } of adopters) spool.stored(told);
      for (const spool of opened.splice(0)) await spool.close();
    }
  });

  test('a torn end loses what was torn alone; it is counted and logged once', async () => {
    const own = await open();
    for (const id of ids(20)) own.spool.usage(event(id));
    await kill(own);
    appendFileSync(files()[0]!, Buffer.from([0x40, 0, 0, 0, 1, 2, 3]));
    const next = await openAndReplay();
    await until(() => next.told.length === 20);
    expect(await metricOf(next.metrics, 'usage_spool_torn_total')).toBe(1);
    expect(lines('torn record')).toHaveLength(1);
  });

  test('what is not a spool is left alone', async () => {
    mkdirSync(path.join(dir, 'lost+found'));
    chmodSync(path.join(dir, 'lost+found'), 0);
    appendFileSync(path.join(dir, 'README'), 'mine');
    const { told } = await openAndReplay();
    await delay(200);
    expect(told).toEqual([]);
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(['README', 'lost+found']));
    expect(lines('cannot be read')).toEqual([]);
  });
});

describe('a process that is killed -9', () => {
  function start(what: string): ChildProcess {
    const args = ['-r', path.join(FIXTURES, 'compile-on-require.cjs'), path.join(FIXTURES, 'spooling-process.ts')];
    const child = spawn(process.execPath, [...args, dir, what], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  test.each([30, 90, 170, 330])(
    'in the middle of writing, after %i ms of it: every call it told of is told',
    async (afterMs) => {
      const child = start('endless');
      let output = '';
      child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
      await until(() => output.includes('\n'));
      await delay(afterMs);
      child.kill('SIGKILL');
      await once(child, 'close');
      const known = output.slice(0, output.lastIndexOf('\n')).split('\n').length;
      expect(known).toBeGreaterThan(10);
      const next = await openAndReplay();
      await until(() => readdirSync(dir).length === 2 && next.told.length >= known);
      await delay(100);
      const told = new Map(next.told.map((each) => [each.requestId, each.accuracy]));
      expect(told.size).toBe(next.told.length);
      expect(ids(known).filter((id) => !told.has(id))).toEqual([]);
      // Only what the last turn had not written of yet is known by its beginning alone.
      expect([...told.values()].filter((accuracy) => accuracy === 'orphaned').length).toBeLessThanOrEqual(11);
    },
  );

  test('is adopted by a process that runs on, and not before', async () => {
    const next = await openAndReplay();
    const child = start('50');
    let output = '';
    child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
    await until(() => output.includes('done'));
    await delay(300);
    expect(next.told).toEqual([]);
    child.kill('SIGKILL');
    await until(() => next.told.length === 50, 5_000);
    expect(next.told.filter(({ accuracy }) => accuracy === 'orphaned').map(({ requestId }) => requestId)).toEqual([
      'req_49',
    ]);
  });
});
