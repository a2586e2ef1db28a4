import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exitOf, outputOf } from '../gateway-process';
import type { RunningStack } from '../stack';

const ROOT = path.resolve(__dirname, '../../../..');
const SCRIPT = 'ledger:verify';

/** What `npm run ledger:verify` says of the stack's database; undefined where there is no such script. */
export async function verifyLedger(stack: RunningStack): Promise<{ balanced: boolean; output: string } | undefined> {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  if (scripts[SCRIPT] === undefined) return undefined;
  const databaseUrl = stack.processes().find(({ name }) => name === 'postgres')?.url;
  const child = spawn('npm', ['run', '--silent', SCRIPT], {
    cwd: ROOT,
    env: { ...process.env, STACK_STATE: stack.stateFile, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = outputOf(child);
  const code = await exitOf(child);
  return { balanced: code === 0 && /\bbalanced\b/.test(output()), output: output() };
}
