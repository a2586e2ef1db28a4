import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

/** A tenth of what a process of nice value 0 gets, where both want one core. */
const NICE = 10;

/**
 * Another process gets a core only when those of nice value 0 leave it, or a tenth of it.
 *
 * Every session is a group with a nice value of its own where Linux groups them (autogroup in sched(7)); its threads' are
 * those of its members among each other, and count among all only where it does not.
 */
export function goLast(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) os.setPriority(Number(thread), NICE);
  const group = autogroupOf(pid);
  if (group !== undefined && group !== autogroupOf(process.pid)) writeFileSync(`/proc/${pid}/autogroup`, String(NICE));
}

function autogroupOf(pid: number): string | undefined {
  try {
    return /^\/autogroup-\d+/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[0];
  } catch {
    // Built without it.
    return undefined;
  }
}
