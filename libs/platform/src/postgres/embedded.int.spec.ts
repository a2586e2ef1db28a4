import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { DataDirInUseError, lockDataDir } from '../lifecycle/data-dir-lock';
import { processCommand } from '../lifecycle/process-identity';
import { createLogger } from '../logging/logger';
import { packagedBinaries, runnableBinaries } from './binaries';
import { type EmbeddedPostgres, openDatabase, startEmbeddedPostgres } from './embedded';
import { identityFor } from './identity';

jest.setTimeout(60_000);

const asRoot = process.getuid?.() === 0;
const onlyAsRoot = (title: string, run: () => Promise<void>): void =>
  asRoot ? test(title, run) : test.skip(`${title} [skipped: only root is moved to another user]`, run);
const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });

let dataDir: string;
let started: EmbeddedPostgres[];
let children: ChildProcess[];

beforeEach(async () => {
  logged.length = 0;
  started = [];
  children = [];
  dataDir = await mkdtemp(path.join(tmpdir(), 'switchboard-pg-'));
  await chmod(dataDir, 0o711);
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  // A killed child leaves its server: a start takes it over, its stop ends it.
  if (children.length > 0 && started.length === 0) await start(dataDir);
  await Promise.all(started.map((database) => database.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

async function start(folder: string, fallbackRoot?: string): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dataDir: folder, log, fallbackRoot });
  started.push(database);
  return database;
}

/** A separate process that locks the folder and runs its database. */
async function startElsewhere(folder: string): Promise<{ child: ChildProcess; url: string }> {
  const script = path.join(__dirname, '__fixtures__/hold-database.cjs');
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the other gateway ended with ${code}`)));
  const [url] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string];
  // From here on, that it ends is what a test wants.
  ended.catch(() => undefined);
  return { child, url };
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function postmaster(folder: string): Promise<number> {
  return Number.parseInt(await readFile(path.join(folder, 'postgres/cluster/postmaster.pid'), 'utf8'), 10);
}

test('data outlives a stop and a start', async () => {
  const first = await start(dataDir);
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await first.stop();
  const second = await start(dataDir);
  expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('a clean stop leaves no server behind, and may be called twice', async () => {
  const database = await start(dataDir);
  const pid = await postmaster(dataDir);
  expect(await processCommand(pid)).toContain('postgres -D');
  await Promise.all([database.stop(), database.stop()]);
  expect(await processCommand(pid)).toBeUndefined();
  await expect(query(database.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
});

test('only who knows the password may connect, and only from this machine', async () => {
  const { url } = await start(dataDir);
  const wrong = new URL(url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  expect(await query(url, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  expect((await stat(path.join(dataDir, 'postgres/password'))).mode & 0o777).toBe(0o600);
});

test('the server does not see the environment of the gateway', async () => {
  process.env['OPENAI_API_KEY'] = 'sk-secret';
  try {
    await start(dataDir);
    if (process.platform !== 'linux') return;
    expect(await readFile(`/proc/${await postmaster(dataDir)}/environ`, 'latin1')).not.toContain('sk-secret');
  } finally {
    delete process.env['OPENAI_API_KEY'];
  }
});

test('a second start on the folder of a living gateway fails and names the process and the folder', async () => {
  const { child, url } = await startElsewhere(dataDir);
  await expect(lockDataDir(dataDir)).rejects.toThrow(DataDirInUseError);
  const refused = startEmbeddedPostgres({ dataDir, log });
  await expect(refused).rejects.toThrow(`in use by process ${child.pid}`);
  await expect(refused).rejects.toThrow(dataDir);
  expect(await query(url, 'SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
});

test('the server that a killed gateway left running is stopped, and what it had committed is there', async () => {
  const { child, url } = await startElsewhere(dataDir);
  await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  const leftover = await postmaster(dataDir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await processCommand(leftover)).toContain('postgres -D');

  const lock = await lockDataDir(dataDir);
  const database = await start(dataDir);
  expect(await query(database.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(await processCommand(leftover)).toBeUndefined();
  await lock.release();
});

test('a server that dies while in use is reported and comes back at the same address', async () => {
  const database = await start(dataDir);
  await query(database.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  process.kill(await postmaster(dataDir), 'SIGKILL');
  let rows: unknown;
  for (let attempt = 0; rows === undefined && attempt < 200; attempt++) {
    await delay(50);
    rows = logged.some((line) => line.includes('Postgres is back'))
      ? await query(database.url, 'SELECT answer FROM kept')
      : undefined;
  }
  expect(rows).toEqual([{ answer: 42 }]);
  expect(logged.find((line) => line.includes('DIED'))).toContain('"level":"error"');
});

test('it comes back at the address it is told, and says which process it is', async () => {
  const first = await start(dataDir);
  expect(first.pid).toBe(await postmaster(dataDir));
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await first.stop();
  expect(first.pid).toBeUndefined();
  const port = Number(new URL(first.url).port);
  const second = await startEmbeddedPostgres({ dataDir, log, port });
  started.push(second);
  expect(second.url).toBe(first.url);
  expect(await query(first.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('a database that is given is used as it is, and nothing is started', async () => {
  const given = 'postgresql://somebody@127.0.0.1:1/theirs';
  const database = await openDatabase({ dataDir, databaseUrl: given, log });
  expect(database.url).toBe(given);
  await database.stop();
  await expect(stat(path.join(dataDir, 'postgres'))).rejects.toThrow('ENOENT');
});

onlyAsRoot('as root, data that its user could not reach is kept in the same other folder every time', async () => {
  const closed = path.join(dataDir, 'closed/data');
  await mkdir(closed, { recursive: true });
  await chmod(path.dirname(closed), 0o700);
  const fallbackRoot = path.join(dataDir, 'fallback');
  const first = await start(closed, fallbackRoot);
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await first.stop();
  expect(logged.filter((line) => line.includes('kept apart'))).toHaveLength(1);
  // Opened meanwhile: the data is still where it was.
  await chmod(path.dirname(closed), 0o711);
  const second = await start(closed, fallbackRoot);
  expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

onlyAsRoot('as root, binaries that its user could not reach are run from a private copy', async () => {
  const closed = path.join(dataDir, 'closed');
  const installed = path.join(closed, 'native');
  await cp(path.dirname(packagedBinaries()), closed, { recursive: true, verbatimSymlinks: true });
  await chmod(closed, 0o700);
  const home = path.join(dataDir, 'home');
  await mkdir(home);
  const identity = await identityFor(path.join(home, 'cluster'));
  const { version } = JSON.parse(await readFile(path.join(closed, 'package.json'), 'utf8')) as { version: string };
  const expected = { native: path.join(home, `binaries-${version}`), majorVersion: '18' };
  for (let start = 1; start <= 2; start++) {
    expect(await runnableBinaries({ installed, home, identity, log })).toEqual(expected);
  }
  expect(logged.filter((line) => line.includes('copying it'))).toHaveLength(1);
});
