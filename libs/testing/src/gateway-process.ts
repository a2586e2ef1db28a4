import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';

/** How a process ended: its exit code, or the signal's name. */
export async function exitOf(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? 'unknown';
}

/** Everything a process prints, both streams, as far as it has come. */
export function outputOf(child: ChildProcess): () => string {
  let output = '';
  child.stdout?.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (output += text.toString()));
  return () => output;
}

/** What the machine's owner has in the environment must not turn a test into a call to a real provider. */
export function withoutProviderKeys(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForeign = (name: string): boolean =>
    /^(ANTHROPIC|OPENAI|OPENROUTER|SARVAM)_|^GATEWAY_CONFIG$|^DATABASE_URL$|^(STACK_STATE|ADMIN_TOKEN)$/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForeign(name)));
}

/** Runs a built main to its end, away from any gateway.yaml: its exit code or signal, and all it printed. */
export async function runToEnd(
  main: string,
  env: Record<string, string>,
  args: readonly string[],
): Promise<{ code: number | string; output: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: tmpdir(),
    env: { ...withoutProviderKeys(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  return { code: await exitOf(child), output: output() };
}
