import { setTimeout as delay } from 'node:timers/promises';
import { HttpProbe } from './http-probe';
import type { ProcessLogs } from './process-log';
import type { ReplicaSet } from './replica-set';

export interface StartWatch {
  services: readonly ReplicaSet[];
  /** The edges' own public URLs. */
  edges: () => readonly string[];
  /** Absent: there is no key to make a request with. */
  demoKey: string | undefined;
  logs: ProcessLogs;
  /** Gives up the wait. */
  signal: AbortSignal;
}

const LIMIT_MS = 180_000;
const FAILURES_MOST = 5;
const POLL_MS = 50;

/**
 * Waits until every service is ready and every edge answers a request, with a key where there is one to be had.
 *
 * @throws when one keeps ending instead, with the end of its log; when it takes too long; when the wait is given up.
 */
export async function untilServing(watch: StartWatch): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(watch.services.every(({ ready }) => ready) && (await isWhole(watch)) && (await allAnswer(watch)))) {
    if (watch.signal.aborted) throw new Error('stopped before it was ready');
    for (const service of watch.services) {
      const label = service.failing(FAILURES_MOST);
      if (label !== undefined) throw new Error(`${label} does not start. ${await wordsOf(label, watch.logs)}`);
    }
    if (performance.now() > deadline) throw new Error(await overdue(watch));
    await delay(POLL_MS);
  }
}

/** Ready is not enough here: what is not published yet, say, leaves admin-api ready and the edges with an older catalog. */
async function isWhole({ services }: StartWatch): Promise<boolean> {
  const reports = services
    .flatMap(({ current }) => current)
    .map(async ({ plan }) => {
      const probe = new HttpProbe(plan.readinessUrl);
      try {
        return !(await probe.body())?.includes('"status":"degraded"');
      } finally {
        probe.close();
      }
    });
  return (await Promise.all(reports)).every(Boolean);
}

async function allAnswer({ edges, demoKey }: StartWatch): Promise<boolean> {
  const answers = edges().map(async (url) => {
    const probe =
      demoKey === undefined
        ? new HttpProbe(`${url}/api/hello`)
        : new HttpProbe(`${url}/v1/models`, { 'x-api-key': demoKey });
    try {
      return await probe.answers();
    } finally {
      probe.close();
    }
  });
  return (await Promise.all(answers)).every(Boolean);
}

async function overdue({ services, logs }: StartWatch): Promise<string> {
  const unready = services.filter(({ ready }) => !ready).flatMap(({ labels }) => labels);
  const words = await Promise.all(unready.map((label) => wordsOf(label, logs)));
  return `not ready after ${LIMIT_MS / 1000} s: ${unready.join(', ') || 'requests are not answered'}. ${words.join('\n')}`;
}

async function wordsOf(label: string, logs: ProcessLogs): Promise<string> {
  return `The end of ${logs.fileOf(label)}:\n${await logs.lastLines(label, 10)}`;
}
