import { setTimeout as delay } from 'node:timers/promises';
import { admin } from '../e2e/everywhere';
import { gauge, allUsage, type UsageRecord } from '../e2e/usage-ledger';
import type { RunningStack } from '../stack';
import { REPLICAS } from './kill-plan';
import type { ServedCollector } from './served-collector';
import { isDue } from './audit';
import { LEASE_MS } from './world';

const POLL_MS = 250;
/** So long the ledger must stay as it is, once nothing is on its way: two sweeps of what expired. */
const QUIET_MS = 2 * LEASE_MS;
/** Five services and three servers. */
const PROCESSES = Object.values(REPLICAS).reduce((sum, count) => sum + count, 0) + 5;

export interface Drained {
  records: UsageRecord[];
  /** What still was not as it should be when time was up; empty: all is at rest. */
  unrest: string[];
}

/**
 * Waits until everything runs, nothing waits to be recorded and the ledger no longer changes; what is not in it that
 * should be is waited for to the end of `limitMs`, since who died over an expired reservation is given half a minute.
 */
export async function drained(stack: RunningStack, collector: ServedCollector, limitMs: number): Promise<Drained> {
  const deadline = Date.now() + limitMs;
  let records: UsageRecord[] = [];
  for (let quietSinceMs = Date.now(); ; await delay(POLL_MS)) {
    const unrest = await unrestOf(stack, collector);
    if (unrest.length === 0) {
      const now = await allUsage(stack);
      if (now.length !== records.length) quietSinceMs = Date.now();
      records = now;
      const quiet = Date.now() - quietSinceMs >= QUIET_MS;
      if (quiet && (Date.now() > deadline || missing(collector, records) === 0)) return { records, unrest };
    } else {
      quietSinceMs = Date.now();
    }
    if (Date.now() > deadline + QUIET_MS) return { records: await allUsage(stack).catch(() => records), unrest };
  }
}

function missing(collector: ServedCollector, records: readonly UsageRecord[]): number {
  const recorded = new Set(records.map(({ requestId }) => requestId));
  return collector.requests().filter((each) => isDue(each) && !recorded.has(each.request_id)).length;
}

async function unrestOf(stack: RunningStack, collector: ServedCollector): Promise<string[]> {
  const processes = stack.processes();
  const ready = processes.filter(({ status }) => status === 'ready').length;
  const unready = ready === PROCESSES ? [] : [`${ready} of ${PROCESSES} processes are ready`];
  const active = collector.requests().filter(({ outcome }) => outcome === 'active').length;
  const open = active === 0 ? [] : [`${active} requests are open at the upstream`];
  const edges = processes.flatMap(({ adminUrl }) => adminUrl ?? []);
  return [...unready, ...open, ...(await Promise.all([...edges.map(unpublished), unread(stack)])).flat()];
}

/** What waits in the memory of an edge. */
async function unpublished(edgeAdminUrl: string): Promise<string[]> {
  try {
    // Of a process behind a private port only its URL is asked for.
    const buffered = await gauge({ adminUrl: edgeAdminUrl } as RunningStack, 'switchboard_usage_buffered_records');
    return buffered === 0 ? [] : [`${buffered} usage records wait in an edge`];
  } catch (error) {
    return [`an edge does not tell what waits in it: ${(error as Error).message}`];
  }
}

interface Health {
  usageQueue: { pending: number; unacknowledged: number } | null;
}

async function unread(stack: RunningStack): Promise<string[]> {
  try {
    const { body } = await admin<Health>(stack, 'GET', 'health');
    const { pending, unacknowledged } = body.usageQueue ?? { pending: Number.NaN, unacknowledged: 0 };
    return pending + unacknowledged === 0 ? [] : [`the usage stream is not read: ${pending} + ${unacknowledged}`];
  } catch (error) {
    return [`the admin API does not answer: ${(error as Error).message}`];
  }
}
