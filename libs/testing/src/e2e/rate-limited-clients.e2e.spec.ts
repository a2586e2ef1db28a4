import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import { installClaudeCode, runClaudeCode } from './claude-code';
import { installCodex, runCodex } from './codex';
import { conversation, type ClientDialect } from './conversation';
import { GATEWAY_ENV, gatewayConfig, keyHash, model, provider, UPSTREAM_DIALECTS } from './gateway-config';
import { send } from './http-exchange';
import type { ClientRun } from './installed-client';
import { describeWith } from './installed-client.conformance';
import { startRecordingProxy, type RecordedCall } from './recording-proxy';

jest.setTimeout(120_000);

/** Used up, one more call finds room every 5 s. */
const LIMITS = { rpm: 12 };
const WAIT_SECONDS_MAX = 60 / LIMITS.rpm;
/** Timers may end a little early by another process's clock. */
const CLOCK_SLACK_MS = 100;
const KEYS = { claudeCode: 'cm_test_limited-claude-code', codex: 'cm_test_limited-codex' };

let folder: string;
let simulator: RunningSimulator;
let gateway: RunningGateway;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-rate-limited-clients-'));
  simulator = await startSimulator();
  const keys = Object.values(KEYS).map((key) => ({ name: key, key: { hash: keyHash(key) }, limits: LIMITS }));
  const config = gatewayConfig(
    UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulator.url)),
    UPSTREAM_DIALECTS.map((dialect) => model(`test/${dialect}`, [{ provider: dialect, model: 'sim-any' }])),
    keys,
  );
  gateway = await startGateway({ config, env: GATEWAY_ENV });
});

afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
  rmSync(folder, { recursive: true, maxRetries: 3 });
});

describeWith(installClaudeCode(), 'Claude Code, its limit of requests used up', (binary) => {
  it('waits as long as it is told, and then answers', async () => {
    const { run, calls } = await limitedRun('anthropic', KEYS.claudeCode, (baseUrl, own) =>
      runClaudeCode({
        ...{ binary, prompt: 'say hi', model: 'test/anthropic' },
        ...{ baseUrl, authToken: KEYS.claudeCode, folder: own },
      }),
    );
    expectGood(run);
    expect(JSON.parse(run.stdout)).toMatchObject({
      is_error: false,
      result: 'Hi from the Switchboard simulator. You wrote: say hi',
    });
    expectObedience(calls, 1);
  });
});

describeWith(installCodex(), 'Codex, its limit of requests used up', (binary) => {
  it('waits as long as it is told, runs a command, waits again, and then answers', async () => {
    const { run, calls } = await limitedRun('chat', KEYS.codex, (url, own) =>
      runCodex({
        ...{ binary, prompt: '[[tool:shell {"command":["echo","switchboard-42"]}]]', model: 'test/chat' },
        ...{ baseUrl: `${url}/v1`, apiKey: KEYS.codex, folder: own },
      }),
    );
    expectGood(run);
    expect(run.stdout).toMatch(/^Tool said: .*switchboard-42/);
    expectObedience(calls, 2);
  });
});

/** Runs a client whose first call comes right after the last that its key had room for. */
async function limitedRun(
  dialect: ClientDialect,
  key: string,
  start: (baseUrl: string, own: string) => Promise<ClientRun>,
): Promise<{ run: ClientRun; calls: RecordedCall[] }> {
  const proxy = await startRecordingProxy(gateway.url, () => useUp(dialect, key));
  try {
    const own = path.join(folder, key);
    mkdirSync(own, { recursive: true });
    const run = await start(proxy.url, own);
    return { run, calls: proxy.calls() };
  } finally {
    await proxy.close();
  }
}

async function useUp(dialect: ClientDialect, key: string): Promise<void> {
  const call = conversation(dialect, { model: `test/${dialect}`, key });
  let status = 200;
  while (status === 200) ({ status } = await send(gateway.url, call));
  if (status !== 429) throw new Error(`not refused for its limit, but with ${status}`);
}

function expectGood({ code, stdout, stderr }: ClientRun): void {
  expect({ code, ...(code !== 0 && { stdout, stderr }) }).toEqual({ code: 0 });
}

/**
 * It was refused, came back once for each refusal and no earlier than told, and found room at once. (Whether a later call
 * is refused too depends on how long the client is at work between them.)
 */
function expectObedience(calls: RecordedCall[], answers: number): void {
  expect(calls[0]?.status).toBe(429);
  expect(calls.filter(({ status }) => status !== 429).map(({ status }) => status)).toEqual(Array(answers).fill(200));
  calls.forEach(({ status, retryAfter, answeredAtMs }, at) => {
    if (status !== 429) return;
    expect(retryAfter).toMatch(/^\d+$/);
    const toldSeconds = Number(retryAfter);
    expect(toldSeconds).toBeGreaterThanOrEqual(1);
    expect(toldSeconds).toBeLessThanOrEqual(WAIT_SECONDS_MAX);
    const next = calls[at + 1];
    expect(next?.status).toBe(200);
    expect((next?.askedAtMs ?? 0) - answeredAtMs).toBeGreaterThanOrEqual(toldSeconds * 1000 - CLOCK_SLACK_MS);
  });
}
