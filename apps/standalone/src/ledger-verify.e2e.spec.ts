import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger, createPool, processStart, runningPostgresUrl } from '@switchboard/platform';
import { type RunningGateway, startGateway } from '@switchboard/testing';

jest.setTimeout(120_000);

const VERIFY = path.join(__dirname, '../dist/ledger-verify.js');

let dataDir: string;
let gateway: RunningGateway | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'switchboard-ledger-'));
  await chmod(dataDir, 0o711);
});

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

function verify(env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  const environment = { PATH: process.env['PATH'], DATA_DIR: dataDir, STACK_STATE: path.join(dataDir, 'none'), ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [VERIFY], { env: environment }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function call(): Promise<void> {
  const key = await readFile(path.join(dataDir, 'demo-key'), 'utf8');
  const reply = await fetch(`${gateway?.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key.trim(), 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'anthropic/claude-sonnet-4.6',
      max_tokens: 20,
      messages: [{ role: 'user', content: 'hi' }],
    }),
  });
  expect(reply.status).toBe(200);
}

test('the books are verified while the gateway runs and when it rests; where they do not agree it says where, and fails', async () => {
  gateway = await startGateway({ dataDir });
  expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^balanced: 0 transactions, /) });
  await call();
  let verified = await verify();
  for (let attempt = 0; attempt < 20 && !verified.stdout.includes('1 rows of usage'); attempt++)
    verified = await verify();
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^balanced: 1 transactions, 2 entries, 1 rows/),
  });

  const url = (await runningPostgresUrl(dataDir)) as string;
  const pool = createPool({ url, log: createLogger({ level: 'silent', name: 'test' }) });
  // Of long ago: what is of these days is put right within seconds.
  await pool.query(`INSERT INTO usage_rollups
                    SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00', tenant_id, key_id, model, upstream, accuracy,
                           7, 0, 0, 0, 0, 0, 0, 0 FROM usage_rollups`);
  await pool.end();
  const found = await verify({ DATABASE_URL: url });
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/^NOT balanced: 1 differences in /);
  expect(found.stdout).toMatch(
    /a rollup is not what its calls add up to\n {2}.*\n {2}expected .*\n {2}found {4}requests=7 /,
  );

  // As a stack that runs tells of itself; DATA_DIR holds nothing.
  const STACK_STATE = path.join(dataDir, 'stack.json');
  const state = { pid: process.pid, start: await processStart(process.pid), processes: [{ name: 'postgres', url }] };
  await writeFile(STACK_STATE, JSON.stringify(state));
  expect((await verify({ STACK_STATE, DATA_DIR: path.join(dataDir, 'empty') })).stdout).toBe(found.stdout);

  await gateway.stop();
  gateway = undefined;
  expect(await runningPostgresUrl(dataDir)).toBeUndefined();
  expect((await verify()).code).toBe(1);
});

test('that the books cannot be read is no verdict about them', async () => {
  const { code, stderr } = await verify({ DATABASE_URL: 'postgresql://x:x@127.0.0.1:1/x' });
  expect([code, stderr]).toEqual([2, expect.stringContaining('ECONNREFUSED')]);
});
