import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

const VERSION = '2.1.329';
const CACHE = path.resolve(__dirname, '../../../../.cache/claude-code');
const INSTALL_LIMIT_MS = 5 * 60_000;
const ANSWER_LIMIT_MS = 90_000;

export type Installation = { ok: true; binary: string } | { ok: false; reason: string };

/**
 * Claude Code from npm, in the repository's private cache: hundreds of megabytes, so it is no dependency, and is fetched
 * once. Its own Node version does not matter, since what runs is the native binary of its platform package. Blocks.
 */
export function installClaudeCode(): Installation {
  const cached = nativeBinary();
  if (cached !== undefined) return { ok: true, binary: cached };
  mkdirSync(CACHE, { recursive: true });
  const { status, stderr, error } = spawnSync(
    'npm',
    [
      ...['install', '--prefix', CACHE, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries', '1'],
      `@anthropic-ai/claude-code@${VERSION}`,
    ],
    { encoding: 'utf8', timeout: INSTALL_LIMIT_MS, shell: process.platform === 'win32' },
  );
  if (status !== 0) return { ok: false, reason: `npm cannot install Claude Code: ${firstError(stderr, error)}` };
  const installed = nativeBinary();
  if (installed !== undefined) return { ok: true, binary: installed };
  return { ok: false, reason: `Claude Code has no binary that runs on ${process.platform} ${process.arch}` };
}

/** npm installs only the platform packages that fit; of those, the one that answers. */
function nativeBinary(): string | undefined {
  const packages = path.join(CACHE, 'node_modules/@anthropic-ai');
  if (!existsSync(packages)) return undefined;
  const candidates = readdirSync(packages)
    .filter((name) => name.startsWith('claude-code-'))
    .map((name) => path.join(packages, name, process.platform === 'win32' ? 'claude.exe' : 'claude'));
  return candidates.find((binary) => {
    const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8', env: privateEnvironment(CACHE) });
    // `null` where it cannot be executed, whatever its type says.
    return (stdout as string | null)?.startsWith(VERSION) === true;
  });
}

function firstError(stderr: string | null, error: Error | undefined): string {
  const line = stderr?.split('\n').find((text) => /^npm (error|ERR!)/.test(text));
  // A title ends its reason at the first bracket.
  return (error?.message ?? line ?? 'unknown').replaceAll(/[[\]]/g, '');
}

export interface ClaudeCodeRun {
  /** Exit code, or the signal's name. */
  code: number | string;
  stdout: string;
  stderr: string;
}

export interface ClaudeCodeCall {
  binary: string;
  prompt: string;
  model: string;
  baseUrl: string;
  authToken: string;
  /** Home, configuration and working folder at once: nothing of the machine's owner is read or changed. */
  folder: string;
  allowedTools?: string[];
}

/** `claude -p PROMPT`, its reply as one JSON object on stdout. Never rejects; a run that does not end is killed. */
export function runClaudeCode(call: ClaudeCodeCall): Promise<ClaudeCodeRun> {
  const tools = call.allowedTools === undefined ? [] : ['--allowedTools', call.allowedTools.join(',')];
  const child = spawn(call.binary, ['-p', call.prompt, '--model', call.model, '--output-format', 'json', ...tools], {
    cwd: call.folder,
    env: {
      ...privateEnvironment(call.folder),
      ANTHROPIC_BASE_URL: call.baseUrl,
      ANTHROPIC_AUTH_TOKEN: call.authToken,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run: ClaudeCodeRun = { code: 'unknown', stdout: '', stderr: '' };
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

function privateEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    CLAUDE_CONFIG_DIR: path.join(folder, '.claude'),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_TELEMETRY: '1',
  };
}
