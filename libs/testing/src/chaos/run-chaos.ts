import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { audit, type Audit, type Evidence, type Violation } from './audit';
import { ChaosLoad } from './chaos-load';
import { drained } from './drain';
import { drawnRounds, listedRounds } from './kill-plan';
import { Killer } from './killer';
import { verifyLedger } from './ledger-verify';
import type { ChaosOptions } from './options';
import { ServedCollector } from './served-collector';
import { tableOf } from './table';
import { startChaosWorld, type ChaosWorld } from './world';

export interface ChaosResult extends Audit {
  evidence: Evidence;
  /** For people: figures and violations. */
  table: string;
}

/** Before the first one is killed, so that every path was taken once. */
const WARM_UP_MS = 2_000;
/** A limiter that died over an expired reservation is given half a minute; then another takes it. */
const DRAIN_LIMIT_MS = 45_000;

/**
 * Load on a stack whose processes are killed with -9, then the reckoning. The stack's data and logs stay where there was a
 * violation. Rejects where the stack does not come up, or one that was killed cannot be found again.
 */
export async function runChaos(options: ChaosOptions, say: (line: string) => void): Promise<ChaosResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-chaos-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const dataDir = path.join(folder, 'data');
  let violated = true;
  try {
    const world = await startChaosWorld({ loadMs: options.loadMs, dataDir });
    try {
      const result = await chaosIn(world, options, say);
      violated = result.violations.length > 0;
      if (violated)
        writeFileSync(path.join(folder, 'violations.json'), JSON.stringify(result.violations, undefined, 2));
      return result;
    } finally {
      await world.stop();
    }
  } finally {
    if (violated) say(`every violation: ${folder}/violations.json; logs: ${dataDir}/logs`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

async function chaosIn(
  world: ChaosWorld,
  options: ChaosOptions,
  sayPlain: (line: string) => void,
): Promise<ChaosResult> {
  const { stack, payers } = world;
  const { seed, loadMs, kinds, rounds, clients } = options;
  const startedAtMs = Date.now();
  const say = (line: string): void => {
    const now = Date.now();
    const clock = new Date(now).toISOString().slice(11, 23);
    sayPlain(`${clock} +${((now - startedAtMs) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
  };
  say(`load of ${clients} clients for ${loadMs / 1_000} s, seed ${seed}`);
  const collector = new ServedCollector(world.simulator);
  const load = new ChaosLoad({ url: stack.url, payers: payers.all, clients, seed });
  await delay(WARM_UP_MS);
  const killer = new Killer(stack, rounds === undefined ? drawnRounds(seed, kinds) : listedRounds(seed, rounds), say);
  await delay(loadMs - WARM_UP_MS);
  await killer.stop();
  const calls = await load.stop();
  say('the load is over; waiting until everything is recorded');
  const { records, unrest } = await drained(stack, collector, DRAIN_LIMIT_MS);
  collector.stop();
  const evidence: Evidence = {
    ...{ served: collector.requests(), records, calls },
    ...{ kills: killer.kills, budgets: payers.budgets },
  };
  const found = audit(evidence);
  const violations = [...found.violations, ...unrest.map(unrestFault), ...(await ledgerFaults(world, say))];
  say('done');
  const result = { ...found, violations };
  return { ...result, evidence, table: tableOf(evidence, result) };
}

function unrestFault(detail: string): Violation {
  return { rule: 'everything comes to rest', requestId: '', detail };
}

async function ledgerFaults({ stack }: ChaosWorld, say: (line: string) => void): Promise<Violation[]> {
  const verified = await verifyLedger(stack);
  if (verified === undefined) return [];
  say(`ledger:verify: ${verified.output.trim()}`);
  return verified.balanced ? [] : [{ rule: 'the ledger is balanced', requestId: '', detail: verified.output }];
}
