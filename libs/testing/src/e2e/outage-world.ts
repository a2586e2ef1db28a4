import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startStack, type RunningStack } from '../stack';
import { conversation, type ClientDialect } from './conversation';
import { admin, change, replaceConfig } from './everywhere';
import { GATEWAY_ENV, gatewayConfig, keyHash, model, provider, UPSTREAM_DIALECTS, type Json } from './gateway-config';
import { send, type RawReply } from './http-exchange';
import { GROUPS, keyOf, SteadyLoad, type Group, type LoadCall } from './steady-load';
import { allUsage, eventually } from './usage-ledger';

/** The distributed form over one simulated upstream, and what tests of outages ask of it. */
export interface OutageWorld {
  stack: RunningStack;
  simulator: RunningSimulator;
  stop(): Promise<void>;
}

const LIMITS = { rpm: 1_000_000, itpm: 1_000_000_000, otpm: 1_000_000_000, concurrency: 10_000 };
const LEDGER_LIMIT_MS = 30_000;
const BUDGET = { usd: 10_000, period: 'month' };

export async function startOutageWorld(): Promise<OutageWorld> {
  const simulator = await startSimulator();
  try {
    const stack = await startStack({ config: configFor(simulator.url), env: GATEWAY_ENV });
    const stop = async (): Promise<void> => {
      await stack.stop();
      await simulator.close();
    };
    // An outage is about keys that every edge knows.
    for (const edge of stack.edges()) for (const group of GROUPS) await untilKnown(edge, keyOf(group));
    return { stack, simulator, stop };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

function configFor(simulatorUrl: string): Json {
  const key = (group: Group, more: Json = {}): Json => ({ name: group, key: { hash: keyHash(keyOf(group)) }, ...more });
  const config = gatewayConfig(
    UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulatorUrl)),
    UPSTREAM_DIALECTS.map((dialect) =>
      model(`load/${dialect}`, [{ provider: dialect, model: 'sim-any;chunks=4;chunk_delay_ms=20' }]),
    ),
    [key('unbounded'), key('limited', { limits: LIMITS }), key('key-budget', { budget: BUDGET })],
  );
  const budgeted = { id: 'budgeted', budget: BUDGET, keys: [key('tenant-budget')] };
  return { ...config, policies: { limiterUnavailable: 'open' }, tenants: [...(config.tenants as Json[]), budgeted] };
}

/** Changes gateway.yaml, and waits until that has reached the tables. */
export async function setLimiterPolicy({ stack }: OutageWorld, limiterUnavailable: 'open' | 'closed'): Promise<void> {
  const config = JSON.parse(readFileSync(stack.configFile, 'utf8')) as Json;
  replaceConfig(stack, { ...config, policies: { limiterUnavailable } });
  await eventually('gateway.yaml is reconciled', async () => {
    const { body } = await admin<{ changes: unknown[] }>(stack, 'GET', 'config/diff');
    return body.changes.length === 0;
  });
  // From the tables to every edge.
  await delay(1_000);
}

async function untilKnown(edge: string, key: string): Promise<void> {
  const path = '/v1/models';
  const known = async () => (await send(edge, { path, headers: { authorization: `Bearer ${key}` } })).status === 200;
  await eventually(`${edge} knows the keys`, known);
}

/** A key of tenant `acme`: its id and its plaintext. */
export async function newKey(stack: RunningStack, name: string): Promise<{ id: string; key: string }> {
  const { body } = await change<{ id: string; key: string }>(stack, 'POST', 'keys', { tenant: 'acme', name });
  return body;
}

/** One call through one edge, or through the front. */
export function ask(url: string, dialect: ClientDialect, key: string): Promise<RawReply> {
  return send(url, conversation(dialect, { model: 'load/anthropic', key }));
}

/** Looks at every edge's readiness twice a second, as a balancer would. */
export class ReadinessWatch {
  readonly seen = new Set<number>();
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(private readonly stack: RunningStack) {
    this.running = this.watch();
  }

  /** @returns the statuses that were answered. */
  async stop(): Promise<number[]> {
    this.stopped = true;
    await this.running;
    return [...this.seen];
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      const replies = await Promise.all(edgeAdminUrls(this.stack).map((url) => send(url, { path: '/readyz' })));
      for (const { status } of replies) this.seen.add(status);
      await delay(500);
    }
  }
}

/** `status` and what is down, per edge. */
export async function edgeReadiness(stack: RunningStack): Promise<string[]> {
  const replies = await Promise.all(edgeAdminUrls(stack).map((url) => send(url, { path: '/readyz' })));
  return replies.map(({ text }) => (JSON.parse(text) as { status: string }).status);
}

function edgeAdminUrls(stack: RunningStack): string[] {
  return stack.processes().flatMap(({ name, adminUrl }) => (name === 'edge-api' && adminUrl ? [adminUrl] : []));
}

/** Signals a server with all its children: of Postgres every connection is one. */
export function signalServer(stack: RunningStack, name: string, signal: NodeJS.Signals): void {
  const server = stack.processes().find((each) => each.name === name);
  if (server === undefined) throw new Error(`${name} does not run`);
  process.kill(server.pid, signal);
  for (const child of childrenOf(server.pid)) process.kill(child, signal);
}

function childrenOf(pid: number): number[] {
  const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return listed.split('\n').flatMap((line) => {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    return parent === pid && child !== undefined ? [child] : [];
  });
}

/** What became of a load's calls in the ledger and at the upstream, by client request ids. */
export interface Accounting {
  /** Whole replies that are not in the ledger. */
  missing: string[];
  twice: string[];
  /** In the ledger, but never a whole reply. */
  undue: string[];
  upstreamCalls: number;
}

/** Reads the ledger until it has every whole call but those in `mayMiss`, or half a minute has passed. */
export async function accountingOf(
  { stack, simulator }: OutageWorld,
  calls: readonly LoadCall[],
  mayMiss: readonly LoadCall[] = [],
): Promise<Accounting> {
  const upstreamCalls = simulator.served().totals.requests;
  const mine = idsOf(calls);
  const whole = idsOf(calls.filter(({ outcome }) => outcome === 'whole'));
  const due = idsOf(calls.filter((call) => call.outcome === 'whole' && !mayMiss.includes(call)));
  const deadline = Date.now() + LEDGER_LIMIT_MS;
  for (;;) {
    const records = await allUsage(stack);
    const recorded = records.flatMap(({ clientRequestId: id }) => (id !== null && mine.has(id) ? [id] : []));
    const found = new Set(recorded);
    const missing = [...due].filter((id) => !found.has(id));
    if (missing.length === 0 || Date.now() > deadline) {
      const twice = recorded.filter((id, index) => recorded.indexOf(id) !== index);
      return { missing, twice, undue: recorded.filter((id) => !whole.has(id)), upstreamCalls };
    }
    await delay(250);
  }
}

function idsOf(calls: readonly LoadCall[]): Set<string> {
  return new Set(calls.map(({ clientRequestId }) => clientRequestId));
}

/** A load of its own, that the simulator counts from zero. */
export async function startLoad({ stack, simulator }: OutageWorld, name: string): Promise<SteadyLoad> {
  simulator.reset();
  const load = new SteadyLoad(stack.url, name);
  await delay(1_000);
  return load;
}

/** In words, for an assertion that shows what went wrong. */
export function faults(calls: readonly LoadCall[]): string[] {
  return calls
    .filter(({ outcome }) => outcome !== 'whole')
    .map(({ group, clientRequestId, status, detail }) => `${group} ${clientRequestId}: ${status} ${detail}`);
}
