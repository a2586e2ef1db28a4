import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@switchboard/platform';
import { CLIENT_DIALECTS, conversation } from '../e2e/conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, keyHash, model, provider, type Json } from '../e2e/gateway-config';
import { send } from '../e2e/http-exchange';
import { eventually } from '../e2e/usage-ledger';
import { UpstreamProcess } from '../failover/upstream-process';
import { startStack, type RunningStack } from '../stack';
import { startPrometheus, type RunningPrometheus } from './prometheus';

const BUDGET_KEY = 'cm_test_watched-budget';
const LIMITED_KEY = 'cm_test_watched-limited';
const CLIENTS = 3;

/** The distributed form with everything that a dashboard has to show: failures, retries, denials, an upstream that is gone. */
export interface WatchedWorld {
  stack: RunningStack;
  prometheus: RunningPrometheus;
  /** Ends the load, then everything. */
  stop(): Promise<void>;
}

export async function startWatchedWorld(): Promise<WatchedWorld> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-watched-'));
  const ends: (() => Promise<unknown>)[] = [() => Promise.resolve(rmSync(folder, { recursive: true, force: true }))];
  const stop = async (): Promise<void> => {
    for (const end of ends.reverse()) await end();
  };
  try {
    const well = await UpstreamProcess.start('well');
    ends.push(() => well.end());
    const gone = await UpstreamProcess.start('gone');
    ends.push(() => gone.end());
    const env = { ...GATEWAY_ENV, TENANT_COST_TOP: '20' };
    const stack = await startStack({ config: configFor(well, gone), env });
    ends.push(() => stack.stop());
    const targets = targetsOf(stack);
    const log = createLogger({ level: 'silent', name: 'test' });
    const prometheus = await startPrometheus({ folder, targets, log });
    ends.push(() => prometheus.stop());
    // What happens before the first scrape is no increase.
    await eventually('all are scraped', async () => (await prometheus.query('sum(up)'))[0]?.value === targets.length);
    const load = startLoad(stack.url);
    ends.push(load.stop);
    await gone.kill();
    return { stack, prometheus, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configFor(well: UpstreamProcess, gone: UpstreamProcess): Json {
  const limits = { concurrency: 1_000 };
  const providers = [provider('well', 'anthropic', well.url, { limits }), provider('gone', 'anthropic', gone.url)];
  const quick = 'sim-any;chunks=4;chunk_delay_ms=5';
  const models = [
    model('watched/model', [
      { provider: 'gone', model: quick, cost: { input: 1, output: 1 } },
      { provider: 'well', model: quick },
    ]),
    model('watched/failing', [{ provider: 'well', model: 'sim-any;status=500' }]),
    model('watched/gone', [{ provider: 'gone', model: 'sim-any' }]),
  ];
  const budget = { usd: 1_000, period: 'month' };
  return gatewayConfig(providers, models, [
    { name: 'budget', key: { hash: keyHash(BUDGET_KEY) }, budget, logging: { requests: true } },
    { name: 'limited', key: { hash: keyHash(LIMITED_KEY) }, limits: { rpm: 2 } },
  ]);
}

/** The private port of every service; an edge has a public one beside it. */
export function targetsOf(stack: RunningStack): { job: string; address: string }[] {
  const services = stack.processes().filter(({ kind }) => kind === 'service');
  return services.map(({ name, url, adminUrl }) => ({ job: name, address: new URL(adminUrl ?? url).host }));
}

/** A few calls of every kind a second, refused and failing ones among them, whatever comes of them. */
function startLoad(url: string): { stop: () => Promise<void> } {
  const agent = new Agent({ keepAlive: true });
  let stopped = false;
  const client = async (index: number): Promise<void> => {
    for (let turn = index; !stopped; turn++) {
      const key = [KEY, BUDGET_KEY, LIMITED_KEY][turn % 3] ?? KEY;
      const name = ['model', 'model', 'model', 'failing', 'gone'][turn % 5] ?? 'model';
      const dialect = CLIENT_DIALECTS[turn % 2] ?? 'chat';
      const call = conversation(dialect, { model: `watched/${name}`, key, stream: turn % 4 < 2 });
      // A call that breaks is part of the load.
      await send(url, { ...call, agent }).catch(() => undefined);
      await delay(40);
    }
  };
  const running = Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
  const stop = async (): Promise<void> => {
    stopped = true;
    await running;
    agent.destroy();
  };
  return { stop };
}
