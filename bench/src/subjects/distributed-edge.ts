import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { probe } from '../load';
import { descendants } from '../pinning';
import { goLast } from '../priority';
import { cpuMicrosOf } from '../process-cpu';
import { wireRequest, type Caller } from '../wire/requests';
import { UPSTREAM_KEY_VARIABLE, type GatewayConfig } from './gateway-config';
import { httpText } from './http-get';
import { profilingEnvironment, startProfile } from './profile-client';
import { startNode, type RunningSubject, type SubjectContext } from './subject';

const main = path.resolve(__dirname, '../../../apps/stack/dist/main.js');
/** How what the edge runs ends: the services all get one environment. */
const edgeScript = path.join('edge-api', 'dist', 'main.js');
const profiler = path.join(__dirname, '..', 'edge-profiler.js');
/** A first start initialises a database, and another may be starting beside it. */
const readyWithinMs = 120_000;
const stopWithinMs = 40_000;
const pollMs = 200;
const idleWithinMs = 20_000;
/** Of the time: what services take that do nothing is half of it. */
const idleShare = 0.12;
/** Of the time, of the edge alone. */
const settledShare = 0.04;
const settledWithinMs = 3_000;

export interface EdgeOptions extends Omit<SubjectContext, 'upstreamPort' | 'pinPrefix'> {
  config: GatewayConfig;
  /** Names of environment variables that `config` speaks of, and the API keys in them. */
  keys: Record<string, string>;
  /** Who has to be served before the edge is taken for ready. */
  callers: readonly Caller[];
  /** Further environment variables, for all services. */
  env?: Record<string, string>;
}

/** The edge of a whole distributed form. */
export interface RunningEdge extends RunningSubject {
  /** CPU time so far of what admission asks (rate-limit service, Redis, NATS), in microseconds; NaN as in `cpuMicros`. */
  limiterMicros(): number;
  /** Calls of keys with bounds so far, by what came of asking the limiter. */
  admissions(): Promise<Record<string, number>>;
  /** Usage records that are not stored yet. */
  unstored(): Promise<number>;
  settled(): Promise<void>;
  /** Resolves when the services behind the edge have worked off what was put to them (usage, above all), or after 20 s. */
  untilIdle(): Promise<void>;
}

interface StackProcess {
  name: string;
  pid: number;
  port: number;
  kind: 'service' | 'server' | 'simulator';
  status: 'starting' | 'ready' | 'draining';
  adminUrl?: string;
}

/** Starts the whole distributed form with one edge. Everything but that edge is on this process's core. */
export async function startDistributedEdge(options: EdgeOptions): Promise<RunningEdge> {
  if (!existsSync(main)) throw new Error(`build the gateway first: there is no ${main}`);
  const { folder, callers, profileSocket } = options;
  const stateFile = path.join(folder, 'stack.json');
  const args = ['--replicas', 'edge-api=1', '--replicas', 'rate-limit=1'];
  const child = startNode(main, environmentOf(options, stateFile), { folder, pinPrefix: [] }, args);
  try {
    await child.ready(() => isServing(stateFile, callers), readyWithinMs);
    const processes = readProcesses(stateFile);
    const edge = edgeOf(processes);
    options.moveSubject(edge.pid);
    const limiter = pidsOf(processes, ['rate-limit', 'redis', 'nats']);
    const behind = pidsOf(processes, ['rate-limit', 'redis', 'nats', 'metering', 'router', 'admin-api']);
    return {
      port: edge.port,
      pid: edge.pid,
      cpuMicros: () => Promise.resolve(cpuMicrosOf(edge.pid)),
      limiterMicros: () => sumOf(limiter),
      admissions: () => readAdmissions(edge),
      unstored: () => readUnstored(edge),
      settled: () => untilQuiet([edge.pid], settledShare, settledWithinMs),
      untilIdle: () => untilIdle(behind, edge),
      letLoadGoFirst: () => {
        const others = processes.filter(({ name }) => name !== 'edge-api').map(({ pid }) => pid);
        for (const pid of new Set(others.flatMap((each) => [each, ...descendants(each)]))) goLast(pid);
      },
      ...(profileSocket !== undefined && { profile: () => startProfile(profileSocket) }),
      stop: () => child.stop(stopWithinMs),
    };
  } catch (error) {
    await child.stop(stopWithinMs);
    throw error;
  }
}

function environmentOf(
  { folder, config, keys, env = {}, profileFolder, profileSocket }: EdgeOptions,
  stateFile: string,
): Record<string, string> {
  const configFile = path.join(folder, 'gateway.yaml');
  writeFileSync(configFile, JSON.stringify(config, null, 2));
  const profiling = { NODE_OPTIONS: `-r ${profiler}`, EDGE_PROFILE_FOLDER: profileFolder ?? '' };
  return {
    PORT: '0',
    ADMIN_PORT: '0',
    DATA_DIR: path.join(folder, 'data'),
    STACK_STATE: stateFile,
    GATEWAY_CONFIG: configFile,
    LOG_LEVEL: 'warn',
    // Nothing is under way when it is stopped.
    DRAIN_MS: '0',
    DRAIN_GRACE_MS: '0',
    [UPSTREAM_KEY_VARIABLE]: 'sk-bench',
    ...keys,
    // The stack passes its environment on to its services.
    ...env,
    ...(profileFolder === undefined ? {} : profiling),
    ...(profileSocket === undefined ? {} : profilingEnvironment(profileSocket, edgeScript)),
  };
}

async function isServing(stateFile: string, callers: readonly Caller[]): Promise<void> {
  const { port } = edgeOf(readProcesses(stateFile));
  const shape = { client: 'anthropic', upstream: 'anthropic', bodyBytes: 1024, streaming: false } as const;
  // A budget's spending is read from the ledger at its first call, which may come too early for that.
  for (const caller of callers) await probe(port, wireRequest({ ...shape, ...caller }, port));
}

function readProcesses(stateFile: string): StackProcess[] {
  const { processes } = JSON.parse(readFileSync(stateFile, 'utf8')) as { processes: StackProcess[] };
  const unready = processes.filter(({ status }) => status !== 'ready').map(({ name }) => name);
  if (processes.length === 0 || unready.length > 0) throw new Error(`not ready yet: ${unready.join(', ')}`);
  return processes;
}

function edgeOf(processes: readonly StackProcess[]): StackProcess {
  const edges = processes.filter(({ name }) => name === 'edge-api');
  if (edges.length !== 1 || edges[0] === undefined) throw new Error(`${edges.length} edges where one was asked for`);
  return edges[0];
}

function pidsOf(processes: readonly StackProcess[], names: readonly string[]): number[] {
  return processes.filter(({ name }) => names.includes(name)).map(({ pid }) => pid);
}

function sumOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMicrosOf(pid), 0);
}

async function readAdmissions({ adminUrl }: StackProcess): Promise<Record<string, number>> {
  const text = await httpText(new URL('/metrics', adminUrl));
  const lines = text.matchAll(/^switchboard_admissions_total\{[^}]*outcome="(\w+)"[^}]*\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, outcome = '', count]) => [outcome, Number(count)]));
}

async function readUnstored({ adminUrl }: StackProcess): Promise<number> {
  const text = await httpText(new URL('/metrics', adminUrl));
  return Number(/^switchboard_usage_spool_records(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1]);
}

async function untilIdle(behind: readonly number[], edge: StackProcess): Promise<void> {
  const givesUpAtMs = performance.now() + idleWithinMs;
  do {
    await untilQuiet(behind, idleShare, idleWithinMs);
    // A database at work leaves the services idle.
  } while ((await readUnstored(edge)) > 0 && performance.now() < givesUpAtMs);
}

/** Resolves when these processes together take less than `share` of the time, or after `withinMs`. */
async function untilQuiet(pids: readonly number[], share: number, withinMs: number): Promise<void> {
  const givesUpAtMs = performance.now() + withinMs;
  for (;;) {
    const [cpuBefore, startedAtMs] = [sumOf(pids), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    const taken = (sumOf(pids) - cpuBefore) / 1000 / (performance.now() - startedAtMs);
    // Where it is not told, a moment has to do.
    if (Number.isNaN(taken) || taken < share || performance.now() > givesUpAtMs) return;
  }
}
