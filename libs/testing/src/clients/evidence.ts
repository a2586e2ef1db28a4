import type { RunningGateway } from '../gateway';
import { allUsage, eventually, type UsageRecord } from '../e2e/usage-ledger';
import type { Cell } from './cell';
import { DIALECT_OF, expectThat, type ClientTrial, type Scenario } from './trial';

const RECORDED_LIMIT_MS = 10_000;
/** How a reply that came to its end is recorded, whatever the model meant by it. */
const WELL = new Set(['stop', 'stop-sequence', 'length', 'tool-calls', 'refusal']);

/**
 * What the ledger says of a cell: every call that reached the upstream is there once, under the right model and dialects,
 * ended as it should, and lost nothing that was not foreseen. @returns the features that were lost. Rejects with a
 * Discrepancy.
 */
export async function checkLedger(
  gateway: RunningGateway,
  cell: Cell,
  trial: ClientTrial,
  scenario: Scenario,
): Promise<Set<string>> {
  checkAnswers(cell, scenario.unwell ?? []);
  const records = await recordsOf(gateway, cell);
  expectThat(records.length > 0 || scenario.countsOnly === true, 'no call is in the ledger');
  for (const record of records) {
    expectThat(record.model === cell.model, `the ledger names the model ${record.model}`);
    const dialects = `${record.clientDialect} → ${record.upstreamDialect}`;
    const expected = `${DIALECT_OF[trial.speaks]} → ${DIALECT_OF[cell.upstream]}`;
    expectThat(dialects === expected, `the ledger says ${dialects}, not ${expected}`);
  }
  checkEndings(records, scenario.unwell ?? []);
  const lost = new Set(records.flatMap(({ losses }) => losses.map(({ feature }) => feature)));
  const foreseen = new Set(trial.losses?.[cell.upstream]);
  const unforeseen = [...lost].filter((feature) => !foreseen.has(feature));
  expectThat(unforeseen.length === 0, `lost in translation: ${unforeseen.join(', ')}`);
  return lost;
}

/** Undefined where the call ended well. */
export function unwellEnding({ status, finish }: Pick<UsageRecord, 'status' | 'finish'>): string | undefined {
  return status === 200 && WELL.has(finish) ? undefined : `${status} ${finish}`;
}

/** Some clients repeat what is refused without a part of it, and look well: nothing may be refused that is not meant to be. */
function checkAnswers(cell: Cell, unwell: readonly string[]): void {
  const expected = new Set(['200', ...unwell.map((ending) => ending.split(' ', 1)[0] ?? '')]);
  const refused = cell.calls().filter(({ status }) => !expected.has(String(status)));
  const list = refused.map(({ path, status }) => `${path} with ${status}`);
  expectThat(refused.length === 0, `the gateway answered ${[...new Set(list)].join(', ')}`);
}

function checkEndings(records: readonly UsageRecord[], expected: readonly string[]): void {
  const unwell = new Set(records.map(unwellEnding).filter((ending) => ending !== undefined));
  const unexpected = [...unwell].filter((ending) => !expected.includes(ending));
  expectThat(unexpected.length === 0, `the ledger has calls that ended with ${unexpected.join(', ')}`);
  const absent = expected.filter((ending) => !unwell.has(ending));
  expectThat(absent.length === 0, `the ledger has no call that ended with ${absent.join(', ')}`);
}

/** All records of the cell's model, once they account for every call that the upstream had. */
async function recordsOf(gateway: RunningGateway, cell: Cell): Promise<UsageRecord[]> {
  let records: UsageRecord[] = [];
  const upstreamCalls = cell.served().length;
  const attempts = (): number => records.reduce((sum, record) => sum + record.attempts, 0);
  const isComplete = async (): Promise<boolean> => {
    records = (await allUsage(gateway)).filter(({ requestedModel }) => requestedModel === cell.model);
    return attempts() >= upstreamCalls;
  };
  try {
    await eventually('the ledger is complete', isComplete, RECORDED_LIMIT_MS);
  } catch {
    // What is missing is said below.
  }
  expectThat(attempts() === upstreamCalls, `the upstream had ${upstreamCalls} calls, the ledger has ${attempts()}`);
  return records;
}
