/** What setup, start and test have in common: where the repository is, how a step is run, how two runs keep apart. */
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The entry of an installed command, to be run by `process.execPath`: no shell and no PATH in between. */
export const command = (name) => path.join(root, 'node_modules', name);

export const environment = {
  ...process.env,
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  NX_NO_CLOUD: 'true',
  // With this set, npm and Nx children would believe they were asked to leave out the development packages.
  NODE_ENV: undefined,
};

/**
 * Runs a program to its end. Resolves to its exit code (1 for a signal) and, where `capture` is set, its merged output.
 * Rejects where the program cannot be started.
 */
export function run(program, args, { capture = false, env = environment, onStart } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env,
      stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32' && program === 'npm',
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
    onStart?.(child);
  });
}

export const runNode = (script, args, options) => run(process.execPath, [script, ...args], options);

/**
 * Brings the database client and every package's `dist` up to date. One compiler over all project references, because
 * `nx run-many -t build`, which does the same, takes 1.2 s instead of 0.5 s to find nothing to do, and 14 s instead of
 * 10 s for everything. A failure prints what the compiler said.
 */
export async function build() {
  const { code, output } = await withLock(async () => {
    const generated = await runNode(path.join(root, 'prisma', 'generate.mjs'), [], { capture: true });
    return generated.code === 0 ? runNode(command('typescript/bin/tsc'), ['-b'], { capture: true }) : generated;
  });
  if (code !== 0) process.stderr.write(output);
  return { code };
}

/** npm passes a SIGTERM on to the shell it runs scripts in, and that dies of it without a word to us. */
export function stopWithShell() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
  // Who signals the whole group has told us already: being told twice means "now".
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      clearInterval(watch);
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

const lockFile = path.join(root, '.cache', 'workspace.lock');

/** Runs `work` while no other process of this checkout does: two `npm start` or `npm test` may begin at once. */
export async function withLock(work) {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  for (let waited = 0; !tookLock(); waited += 1) {
    const holder = lockHolder();
    if (holder !== undefined && !isAlive(holder)) breakLock(holder);
    else if (waited === 10) console.error(`waiting for process ${holder}, which is at work here (${lockFile})`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** The file appears with its content or not at all: a link is atomic, an open followed by a write is not. */
function tookLock() {
  const mine = `${lockFile}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lockFile);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine);
  }
}

function lockHolder() {
  try {
    return Number(readFileSync(lockFile, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Two may find the same dead holder: the lock is moved aside first, and put back if it turns out to be a living one's. */
function breakLock(deadPid) {
  const aside = `${lockFile}.${process.pid}.stale`;
  try {
    renameSync(lockFile, aside);
    if (Number(readFileSync(aside, 'utf8')) !== deadPid) linkSync(aside, lockFile);
    rmSync(aside);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}
