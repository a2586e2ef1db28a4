import type { ServedRequest } from '@switchboard/simulator';
import type { UsageRecord } from '../e2e/usage-ledger';
import { audit, type Evidence } from './audit';
import type { ChaosCall } from './chaos-load';
import { tableOf } from './table';

const ID = 'req_019b0000000070008000000000000000';
const MODEL = 'sim-any;scenario=small-1/quick;text=x';
const COST = 10 * 3_000 + 150 * 15_000;

const served = (more: Partial<ServedRequest> = {}): ServedRequest => ({
  ...{ request_id: ID, path: '/v1/messages', model: MODEL, stream: true, status: 200, outcome: 'completed' },
  ...{ input_tokens: 10, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 150, reasoning_tokens: 0 },
  ...more,
});

const record = (more: Partial<UsageRecord> = {}): UsageRecord =>
  ({
    ...{ requestId: ID, model: 'small-1/quick/chat', inputTokens: 10, cacheReadTokens: 0, cacheWrite5mTokens: 0 },
    ...{ cacheWrite1hTokens: 0, outputTokens: 150, costNanoUsd: String(COST), accuracy: 'exact', finish: 'stop' },
    ...{ status: 200, attempts: 1, ...more },
  }) as UsageRecord;

const call = (more: Partial<ChaosCall> = {}): ChaosCall => ({
  ...{ payer: 'small-1', shape: 'quick', dialect: 'chat', stream: true, startedAtMs: 0, endedAtMs: 1 },
  ...{ outcome: 'whole', status: 200, requestId: ID, detail: '', ...more },
});

const rulesOf = (evidence: Partial<Evidence>): string[] =>
  audit({ served: [], records: [], calls: [], kills: [], budgets: [], ...evidence }).violations.map(({ rule }) => rule);

test('what is served once and recorded as it was served is no violation', () => {
  const budgets = [{ name: 'small-1', nanoUsd: COST, payers: ['small-1'] }];
  expect(rulesOf({ served: [served()], records: [record()], calls: [call()], budgets })).toEqual([]);
});

test.each(['completed', 'aborted', 'broken'] as const)(
  '%s at the upstream and not in the ledger is told',
  (outcome) => {
    expect(rulesOf({ served: [served({ outcome })] })).toEqual(['everything served is in the ledger']);
  },
);

test('what the upstream refused need not be in the ledger', () => {
  expect(rulesOf({ served: [served({ outcome: 'refused', status: 500, input_tokens: 0, output_tokens: 0 })] })).toEqual(
    [],
  );
});

test('a request that is in the ledger twice is told', () => {
  expect(rulesOf({ served: [served()], records: [record(), record()] })).toEqual(['nothing is in the ledger twice']);
});

test.each([
  ['one token more', { outputTokens: 151 }],
  ['one token less', { inputTokens: 9 }],
])('an exact record of %s is told', (_name, more) => {
  expect(rulesOf({ served: [served()], records: [record(more)] })).toEqual([
    'exact records are what the upstream counted, to the token',
  ]);
});

test('an exact record whose cost is not that of its tokens is told', () => {
  expect(rulesOf({ served: [served()], records: [record({ costNanoUsd: String(COST + 1) })] })).toEqual([
    'exact records cost what their tokens cost',
  ]);
});

test('of several attempts the last one is what is billed', () => {
  const attempts = [served({ outcome: 'refused', status: 503, input_tokens: 0, output_tokens: 0 }), served()];
  expect(rulesOf({ served: attempts, records: [record()] })).toEqual([]);
});

test('an orphan charged with less than was served is told, tokens and cost alike', () => {
  const orphaned = { accuracy: 'orphaned', status: 500 };
  expect(rulesOf({ served: [served()], records: [record({ ...orphaned, outputTokens: 149 })] })).toEqual([
    'tokens of orphaned records are not less than what was served',
  ]);
  expect(rulesOf({ served: [served()], records: [record({ ...orphaned, costNanoUsd: '0' })] })).toEqual([
    'the cost of orphaned records is not less than what was served',
  ]);
  expect(rulesOf({ served: [served()], records: [record(orphaned)] })).toEqual([]);
});

test('an estimate may lack what was on its way when the reply was cut, and nothing else', () => {
  const estimated = record({ accuracy: 'estimated', outputTokens: 140 });
  expect(rulesOf({ served: [served({ outcome: 'aborted' })], records: [estimated] })).toEqual([]);
  expect(rulesOf({ served: [served()], records: [estimated] })).toEqual([
    'estimated records are not less than what was served',
  ]);
});

test('a record of what was never served is told, unless it says that nothing was', () => {
  expect(rulesOf({ records: [record()] })).toEqual(['nothing is in the ledger that was not served']);
  expect(rulesOf({ records: [record({ status: 499, accuracy: 'estimated' })] })).toEqual([]);
});

test('a budget is held against the ledger and against what was served, recorded or not', () => {
  const budgets = [{ name: 'small-1', nanoUsd: COST - 1, payers: ['small-1'] }];
  expect(rulesOf({ served: [served()], records: [record()], budgets })).toEqual([
    'no budget is exceeded in the ledger',
    'no more is served than a budget pays for',
  ]);
});

test('a cut reply that looks whole is told, and so is a whole one that nobody recorded', () => {
  expect(rulesOf({ calls: [call({ outcome: 'cut' }), call()] })).toEqual([
    'no reply looks complete and is not',
    'whoever got a whole reply is in the ledger',
  ]);
});

test('the table names every violation, and who was killed meanwhile', () => {
  const evidence: Evidence = {
    ...{ served: [served()], records: [], calls: [call()], budgets: [] },
    kills: [{ label: 'edge-api-2', kind: 'edge-api', atMs: 0x019b00000000 + 1_500, backAtMs: 0x019b00000000 + 4_000 }],
  };
  const table = tableOf(evidence, audit(evidence));
  expect(table).toContain('2 VIOLATIONS');
  expect(table).toContain(`${ID} small-1/quick: served [completed 200 stream 10+150], ledger []`);
  expect(table).toContain('killed from there: edge-api-2 1.50 s');
});
