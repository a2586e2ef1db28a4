import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processStart } from '@switchboard/platform';
import type { GatewayOptions, RunningGateway } from './gateway';
import { exitOf, outputOf, runToEnd, withoutProviderKeys } from './gateway-process';

const MAIN = path.resolve(__dirname, '../../../apps/stack/dist/main.js');
const CONFIG = 'gateway.yaml';
const START_LIMIT_MS = 180_000;
const END_LIMIT_MS = 40_000;
/** The first line of what is printed when everything answers. */
const READY = 'Switchboard is up.';

export interface StackOptions extends GatewayOptions {
  /** Processes per service: `{ 'edge-api': 3 }`. */
  replicas?: Record<string, number>;
}

/** One process or server, as the state file tells of it. */
export interface StackProcess {
  name: string;
  pid: number;
  port: number;
  url: string;
  kind: 'service' | 'server' | 'simulator';
  replica: number;
  status: 'starting' | 'ready' | 'draining';
  adminUrl?: string;
}

/** The whole distributed form; usable wherever one gateway is. */
export interface RunningStack extends RunningGateway {
  stateFile: string;
  /** Its gateway.yaml, where one was given. */
  configFile: string;
  processes(): StackProcess[];
  /** Each edge's own public URL, those that drain left out. */
  edges(): string[];
  /** `control('stop', 'redis')`, `control('restart')`. Resolves when it is done; rejects with the stack's own words. */
  control(action: 'stop' | 'start' | 'restart' | 'kill', name?: string, signal?: NodeJS.Signals): Promise<void>;
}

interface StackState {
  url: string;
  adminUrl: string;
  adminToken: string;
  control: { url: string; token: string };
  processes: StackProcess[];
}

/** The built stack as its own process, on free ports and in a private folder, every service ready to answer. */
export async function startStack(options: StackOptions = {}): Promise<RunningStack> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-stack-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const dataDir = options.dataDir ?? path.join(folder, 'data');
  const stateFile = path.join(folder, 'stack.json');
  const child = launch(options, { folder, dataDir, stateFile });
  const output = outputOf(child);
  const exited = exitOf(child);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> => {
    const identities = await Promise.all(known(stateFile).map(identify));
    child.kill(signal);
    const code = await exited;
    // A stack that was killed is cleaned up after by its guardian.
    await untilGone(identities);
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  try {
    await untilReady(output, exited);
  } catch (error) {
    const logs = tails(path.join(dataDir, 'logs'));
    await stopWhatever(child, stop);
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`${(error as Error).message}\n${output()}\n${logs}`, { cause: error });
  }
  const { url, adminUrl, adminToken, control } = readState(stateFile);
  return {
    url,
    adminUrl,
    adminToken,
    dataDir,
    stateFile,
    configFile: path.join(folder, CONFIG),
    pid: child.pid ?? -1,
    output,
    stop,
    processes: () => readState(stateFile).processes,
    edges: () => edgesOf(readState(stateFile)),
    control: (action, name, signal) => act(control, action, { name, signal }),
  };
}

/** Runs the built stack, or a command for a running one, to its end: for what it says. */
export const runStack = (env: Record<string, string>, args: string[] = []) => runToEnd(MAIN, env, args);

function launch(
  { config, env, replicas = {} }: StackOptions,
  { folder, dataDir, stateFile }: { folder: string; dataDir: string; stateFile: string },
): ChildProcess {
  const environment: NodeJS.ProcessEnv = {
    ...withoutProviderKeys(process.env),
    PORT: '0',
    ADMIN_PORT: '0',
    ADMIN_TOKEN: 'e2e-admin-token',
    DATA_DIR: dataDir,
    STACK_STATE: stateFile,
    ...env,
  };
  if (config !== undefined) {
    environment.GATEWAY_CONFIG = path.join(folder, CONFIG);
    // JSON is YAML.
    writeFileSync(environment.GATEWAY_CONFIG, JSON.stringify(trusting(config), undefined, 2));
  }
  const args = Object.entries(replicas).flatMap(([name, count]) => ['--replicas', `${name}=${count}`]);
  return spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The simulators of tests are on loopback, which the distributed form refuses unless it is meant. */
function trusting(config: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(config.providers)) return config;
  const providers = (config.providers as Record<string, unknown>[]).map((each) => ({ ...each, trustedNetwork: true }));
  return { ...config, providers };
}

function readState(file: string): StackState {
  return JSON.parse(readFileSync(file, 'utf8')) as StackState;
}

function known(stateFile: string): StackProcess[] {
  return existsSync(stateFile) ? readState(stateFile).processes : [];
}

function edgesOf({ processes }: StackState): string[] {
  return processes.filter(({ name, status }) => name === 'edge-api' && status !== 'draining').map(({ url }) => url);
}

async function untilReady(output: () => string, exited: Promise<number | string>): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let code: number | string | undefined;
  void exited.then((how) => (code = how));
  while (!output().includes(READY)) {
    if (code !== undefined) throw new Error(`the stack ended with ${code}`);
    if (Date.now() > deadline) throw new Error('the stack did not come up in time');
    await delay(50);
  }
}

async function stopWhatever(child: ChildProcess, stop: (signal?: NodeJS.Signals) => Promise<unknown>): Promise<void> {
  const patience = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
  if (child.exitCode === null && child.signalCode === null) await stop();
  clearTimeout(patience);
}

async function identify({ pid }: StackProcess): Promise<{ pid: number; start: string | undefined }> {
  return { pid, start: await processStart(pid) };
}

async function untilGone(identities: { pid: number; start: string | undefined }[]): Promise<void> {
  const deadline = Date.now() + END_LIMIT_MS;
  for (const { pid, start } of identities) {
    while (start !== undefined && (await processStart(pid)) === start) {
      if (Date.now() > deadline) throw new Error(`process ${pid} outlived its stack`);
      await delay(50);
    }
  }
}

function tails(folder: string): string {
  if (!existsSync(folder)) return '';
  const files = readdirSync(folder).filter((name) => name.endsWith('.log') && !name.endsWith('.previous.log'));
  return files
    .map((name) => `--- ${name}\n${readFileSync(path.join(folder, name), 'utf8').split('\n').slice(-21).join('\n')}`)
    .join('\n');
}

async function act(
  { url, token }: StackState['control'],
  action: string,
  parameters: { name: string | undefined; signal: string | undefined },
): Promise<void> {
  const target = new URL(`/${action}`, url);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) target.searchParams.set(name, value);
  const reply = await fetch(target, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  if (!reply.ok) throw new Error(`${action} ${parameters.name ?? ''}: ${await reply.text()}`);
}
