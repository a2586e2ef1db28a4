import { setTimeout as delay } from 'node:timers/promises';
import { sendSignal } from './send-signal';

/** A process to be ended when nobody else is there to do it. */
export interface Guarded {
  pid: number;
  /** Services are ended before what they keep their state in. */
  kind: 'service' | 'server';
  /** What it ends on gracefully. */
  signal: NodeJS.Signals;
}

/** A guarded process that is known to be the one that was meant, not a later one of the same pid. */
export interface IdentifiedProcess extends Guarded {
  isAlive(): Promise<boolean>;
}

const PATIENCE_MS = { service: 5_000, server: 5_000 };

/** Services first, then servers; gently, then not. */
export async function endAll(processes: readonly IdentifiedProcess[]): Promise<void> {
  for (const kind of ['service', 'server'] as const) {
    const group = processes.filter((each) => each.kind === kind);
    await Promise.all(group.map((each) => end(each, PATIENCE_MS[kind])));
  }
}

async function end(guarded: IdentifiedProcess, patienceMs: number): Promise<void> {
  if (!(await signalled(guarded, guarded.signal))) return;
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    if (!(await guarded.isAlive())) return;
    await delay(50);
  }
  await signalled(guarded, 'SIGKILL');
}

/** False when it had ended. */
async function signalled(guarded: IdentifiedProcess, signal: NodeJS.Signals): Promise<boolean> {
  return (await guarded.isAlive()) && sendSignal(guarded.pid, signal);
}
