import type { ServedRequest } from '@switchboard/simulator';
import type { UsageRecord } from '../e2e/usage-ledger';
import type { ChaosCall } from './chaos-load';
import type { Kill } from './killer';
import type { BudgetOf } from './payers';
import { originOf, priceOf } from './world';

/** What a run left behind, once everything has drained. */
export interface Evidence {
  /** Model requests the upstream saw, in order; several of one id where the gateway tried again. */
  served: readonly ServedRequest[];
  records: readonly UsageRecord[];
  calls: readonly ChaosCall[];
  kills: readonly Kill[];
  budgets: readonly BudgetOf[];
}

export interface Violation {
  /** What was promised. */
  rule: string;
  requestId: string;
  detail: string;
}

/** What one request id came to, at the upstream and in the ledger. */
export interface Joined {
  requestId: string;
  payer: string;
  shape: string;
  /** In order. */
  served: readonly ServedRequest[];
  records: readonly UsageRecord[];
}

export interface BudgetRow {
  name: string;
  nanoUsd: number;
  ledger: number;
  served: number;
  refused: number;
}

export interface Audit {
  joined: readonly Joined[];
  budgets: readonly BudgetRow[];
  violations: readonly Violation[];
}

/** Of what was generated when an estimate was made, so many tokens may still have been on their way to the gateway. */
const IN_FLIGHT_TOKENS_MOST = 40;

/** Holds the ledger against what the upstream served, and both against the budgets. */
export function audit(evidence: Evidence): Audit {
  const joined = joinById(evidence.served, evidence.records);
  const budgets = evidence.budgets.map((budget) => budgetRow(budget, evidence));
  const violations = [
    ...joined.flatMap(countFaults),
    ...joined.flatMap(figureFaults),
    ...budgets.flatMap(budgetFaults),
    ...replyFaults(evidence.calls, joined),
  ];
  return { joined, budgets, violations: violations.map((each) => withKills(each, evidence.kills)) };
}

/** Something may have been spent on it: the upstream took it, whatever became of it then. */
export function isDue({ outcome }: ServedRequest): boolean {
  return outcome !== 'refused';
}

/** The one the ledger tells of: the gateway is content with the last it tried. */
export function billedOf({ served }: Joined): ServedRequest | undefined {
  return served.at(-1);
}

function joinById(served: readonly ServedRequest[], records: readonly UsageRecord[]): Joined[] {
  const byId = new Map<string, { served: ServedRequest[]; records: UsageRecord[] }>();
  const entry = (id: string): { served: ServedRequest[]; records: UsageRecord[] } => {
    const found = byId.get(id) ?? { served: [], records: [] };
    byId.set(id, found);
    return found;
  };
  for (const each of served) entry(each.request_id).served.push(each);
  for (const each of records) entry(each.requestId).records.push(each);
  return [...byId].map(([requestId, found]) => {
    const [payer = '', shape = ''] = found.records[0]?.model.split('/') ?? [];
    const origin = found.served[0] === undefined ? { payer, shape } : originOf(found.served[0].model);
    return { requestId, ...origin, ...found };
  });
}

function countFaults(joined: Joined): Violation[] {
  const { requestId, records, served } = joined;
  const told = (rule: string): Violation => ({ rule, requestId, detail: describe(joined) });
  if (records.length > 1) return [told('nothing is in the ledger twice')];
  if (records.length === 0 && served.some(isDue)) return [told('everything served is in the ledger')];
  const record = records[0];
  if (record !== undefined && served.length === 0 && record.status < 400) {
    return [told('nothing is in the ledger that was not served')];
  }
  return [];
}

function figureFaults(joined: Joined): Violation[] {
  const [record] = joined.records;
  const billed = billedOf(joined);
  if (record === undefined || billed === undefined) return [];
  const told = (rule: string): Violation[] => [{ rule, requestId: joined.requestId, detail: describe(joined) }];
  const inputTokens = inputTokensOf(record);
  const cost = Number(record.costNanoUsd);
  switch (record.accuracy) {
    case 'exact':
      if (inputTokens !== billed.input_tokens || record.outputTokens !== billed.output_tokens)
        return told('exact records are what the upstream counted, to the token');
      return cost === priceOf(billed) ? [] : told('exact records cost what their tokens cost');
    case 'estimated': {
      const short =
        Math.max(billed.input_tokens - inputTokens, 0) + Math.max(billed.output_tokens - record.outputTokens, 0);
      // A reply that came whole has nothing on its way any more.
      const inFlight = billed.outcome === 'completed' ? 0 : IN_FLIGHT_TOKENS_MOST;
      return short <= inFlight ? [] : told('estimated records are not less than what was served');
    }
    case 'orphaned':
      if (inputTokens < billed.input_tokens || record.outputTokens < billed.output_tokens)
        return told('tokens of orphaned records are not less than what was served');
      return cost < priceOf(billed) ? told('the cost of orphaned records is not less than what was served') : [];
    default:
      return told(`accuracy is exact, estimated or orphaned, not ${record.accuracy}`);
  }
}

function budgetRow({ name, nanoUsd, payers }: BudgetOf, { served, records, calls }: Evidence): BudgetRow {
  const mine = new Set(payers);
  const isMine = (payer: string | undefined): boolean => payer !== undefined && mine.has(payer);
  const recorded = records.filter(({ model }) => isMine(model.split('/')[0]));
  return {
    ...{ name, nanoUsd },
    ledger: recorded.reduce((sum, { costNanoUsd }) => sum + Number(costNanoUsd), 0),
    served: served.filter(({ model }) => isMine(originOf(model).payer)).reduce((sum, each) => sum + priceOf(each), 0),
    refused: calls.filter(({ payer, status }) => isMine(payer) && status === 402).length,
  };
}

function budgetFaults({ name, nanoUsd, ledger, served }: BudgetRow): Violation[] {
  const told = (rule: string, spent: number): Violation[] =>
    spent <= nanoUsd ? [] : [{ rule, requestId: '', detail: `${name}: ${spent} of ${nanoUsd} nano-USD` }];
  return [
    ...told('no budget is exceeded in the ledger', ledger),
    ...told('no more is served than a budget pays for', served),
  ];
}

function replyFaults(calls: readonly ChaosCall[], joined: readonly Joined[]): Violation[] {
  const recorded = new Set(joined.flatMap(({ requestId, records }) => (records.length > 0 ? [requestId] : [])));
  return calls.flatMap(({ outcome, requestId = '', payer, shape, dialect, detail }): Violation[] => {
    const about = `${payer} ${shape} ${dialect}: ${detail}`;
    if (outcome === 'cut') return [{ rule: 'no reply looks complete and is not', requestId, detail: about }];
    if (detail.startsWith('it hung')) return [{ rule: 'no call hangs', requestId, detail: about }];
    if (outcome !== 'whole' || recorded.has(requestId)) return [];
    return [{ rule: 'whoever got a whole reply is in the ledger', requestId, detail: about }];
  });
}

/** Who was killed while it was under way, or shortly after: that is where to look first. */
function withKills(violation: Violation, kills: readonly Kill[]): Violation {
  const startedAtMs = startOf(violation.requestId);
  if (startedAtMs === undefined) return violation;
  const near = kills.filter(({ atMs }) => atMs > startedAtMs - 2_000 && atMs < startedAtMs + 10_000);
  const told = near.map(({ label, atMs }) => `${label} ${((atMs - startedAtMs) / 1_000).toFixed(2)} s`);
  const when = `began ${new Date(startedAtMs).toISOString().slice(11, 23)}`;
  return { ...violation, detail: `${violation.detail}; ${when}, killed from there: ${told.join(', ') || 'nobody'}` };
}

/** Of all kinds. */
export function inputTokensOf(record: UsageRecord): number {
  return record.inputTokens + record.cacheReadTokens + record.cacheWrite5mTokens + record.cacheWrite1hTokens;
}

/** Milliseconds since the epoch: the gateway's request ids are UUIDv7. */
export function startOf(requestId: string): number | undefined {
  const [, hex] = /^req_([0-9a-f]{12})/.exec(requestId) ?? [];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}

function describe({ payer, shape, served, records }: Joined): string {
  const upstream = served.map(
    ({ outcome, status, stream, input_tokens: input, output_tokens: output }) =>
      `${outcome} ${status}${stream ? ' stream' : ''} ${input}+${output}`,
  );
  const ledger = records.map(
    ({ accuracy, finish, status, inputTokens, outputTokens, costNanoUsd, attempts }) =>
      `${accuracy} ${finish} ${status} ${inputTokens}+${outputTokens} = ${costNanoUsd}, attempts ${attempts}`,
  );
  return `${payer}/${shape}: served [${upstream.join('; ')}], ledger [${ledger.join('; ')}]`;
}
