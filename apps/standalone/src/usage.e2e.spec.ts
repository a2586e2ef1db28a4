import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type RunningGateway, startGateway } from '@switchboard/testing';

jest.setTimeout(120_000);

const run = promisify(execFile);
const USAGE = path.join(__dirname, '../dist/usage.js');

let dataDir: string;
let gateway: RunningGateway | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'switchboard-usage-'));
  await chmod(dataDir, 0o711);
});

afterAll(async () => {
  await gateway?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function usage(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [USAGE, ...args], {
    env: { PATH: process.env['PATH'], DATA_DIR: dataDir },
  });
  return stdout;
}

/** @returns the request id the gateway gave it. */
async function call(): Promise<string> {
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
  return reply.headers.get('request-id') as string;
}

test('usage is shown while the gateway runs, after it was killed, and after a restart', async () => {
  gateway = await startGateway({ dataDir });
  expect(await usage()).toBe('No calls have been recorded yet.\n');
  const first = await call();
  let shown = '';
  for (let attempt = 0; attempt < 20 && !shown.includes(first); attempt++) shown = await usage();
  expect(shown).toContain(first);
  expect(shown).toMatch(/Totals by model\n.*\nanthropic\/claude-sonnet-4\.6 +1 /);

  await gateway.stop('SIGKILL');
  gateway = undefined;
  expect(await usage('--by', 'key')).toContain(first);

  gateway = await startGateway({ dataDir });
  const second = await call();
  await gateway.stop();
  gateway = undefined;
  shown = await usage('--limit', '5', '--by', 'day');
  expect(shown).toContain('The latest 2 calls');
  // The latest first.
  expect(shown.indexOf(second)).toBeLessThan(shown.indexOf(first));
});

test('arguments that make no sense are answered with the ones that do', async () => {
  await expect(usage('--by', 'color')).rejects.toThrow('[--by tenant|key|model|upstream|hour|day]');
});
