import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DataDirInUseError, lockDataDir } from './data-dir-lock';
import { processStart } from './process-identity';

// They wait for a disk that others wait for too.
jest.setTimeout(30_000);

let dir: string;

beforeEach(async () => (dir = await mkdtemp(path.join(tmpdir(), 'switchboard-lock-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

function writeLock(holder: unknown): Promise<void> {
  return writeFile(path.join(dir, 'gateway.lock'), typeof holder === 'string' ? holder : JSON.stringify(holder));
}

test('a held folder is refused, naming the process, the folder and the way out', async () => {
  const lock = await lockDataDir(dir);
  const second = lockDataDir(dir);
  await expect(second).rejects.toThrow(DataDirInUseError);
  await expect(second).rejects.toThrow(`The data folder ${dir} is in use by process ${process.pid}`);
  await expect(second).rejects.toThrow('DATA_DIR');
  await lock.release();
});

test('a released folder is free, and nothing is left in it', async () => {
  const lock = await lockDataDir(dir);
  await lock.release();
  await lock.release();
  expect(await readdir(dir)).toEqual([]);
  await (await lockDataDir(dir)).release();
});

test('the folder is created when absent', async () => {
  const lock = await lockDataDir(path.join(dir, 'deep/er'));
  expect(await readdir(path.join(dir, 'deep/er'))).toEqual(['gateway.lock']);
  await lock.release();
});

test('the lock of a dead process is taken over', async () => {
  // Above every pid_max.
  await writeLock({ pid: 2 ** 30, start: 'boot:1', nonce: 'n' });
  const lock = await lockDataDir(dir);
  expect(JSON.parse(await readFile(path.join(dir, 'gateway.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
});

test('the lock of a process whose pid was given to another one is taken over', async () => {
  expect(await processStart(process.ppid)).toBeDefined();
  await writeLock({ pid: process.ppid, start: 'another boot:1', nonce: 'n' });
  await (await lockDataDir(dir)).release();
});

test('of many that find a stale lock at once exactly one gets it', async () => {
  for (let round = 0; round < 10; round++) {
    await writeLock({ pid: 2 ** 30, start: 'boot:1', nonce: `n${round}` });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataDir(dir)));
    const winners = results.filter((result) => result.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    for (const reason of reasons) expect(reason).toBeInstanceOf(DataDirInUseError);
    await winners[0]?.value.release();
  }
});

test('an old holder does not release the lock of its successor', async () => {
  const old = await lockDataDir(dir);
  await writeLock({ pid: 2 ** 30, start: 'boot:1', nonce: 'n' });
  const successor = await lockDataDir(dir);
  await old.release();
  await expect(lockDataDir(dir)).rejects.toThrow(DataDirInUseError);
  await successor.release();
});

test.each(['', '{"pid":', '{"pid":"1"}', 'null'])(
  'a damaged lock file (%j) is reported, not taken over',
  async (text) => {
    await writeLock(text);
    await expect(lockDataDir(dir)).rejects.toThrow('is damaged');
  },
);
