import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { CallBatchV1, CallLoggedV1 } from './call-log';
import type { Capabilities } from './catalog';
import type { Tenant } from './keys';
import type {
  BudgetState,
  LimiterBatchReplyV2,
  LimiterBatchV2,
  RateStateRequestV2,
  RateStateV2,
  ReservationRequest,
  ScopeBounds,
} from './limiter';
import type { Prices, TokenPrices } from './money';
import type { PriceVersion } from './price-schedule';
import type {
  CatalogSettingsV1,
  ExplainedCandidateV1,
  ExplainRequestV1,
  ExplanationV1,
  HeartbeatV1,
  KeyRecordV1,
  ModelRecordV1,
  ProviderRecordV1,
  ProviderSecretsV1,
  UsageBatchV1,
} from './records';
import type {
  HistogramV1,
  OutcomeClass,
  OutcomesV1,
  ProviderStandingV1,
  RankedChoiceV2,
  RankedUpstreamV2,
  RoutedModelV2,
  RoutedPolicyV2,
  RoutingHeadV2,
  UpstreamOutcomesV1,
} from './routing';
import type {
  FoundResponsePartV1,
  ResponseDeleteReplyV1,
  ResponseDeleteRequestV1,
  ResponsePartReplyV1,
  ResponsePartRequestV1,
  ResponsePartV1,
} from './responses';
import type { SpendingRequestV1, SpendingV1 } from './spending';
import { decodeJson, encodeJson } from './subjects';
import type { ProbeStateV1, ProviderStateV1, UpstreamsV1, UpstreamStateV1 } from './upstreams-view';
import type { UsageRecordedV1 } from './usage-event';
import type { BudgetNotice, BudgetPeriodStartedV1, BudgetThresholdReachedV1, WebhookTestV1 } from './webhooks';

/** With every optional field: a golden leaves nothing out, so that a new field of a published version fails to compile. */
type Whole<T> = T extends readonly (infer Item)[]
  ? Whole<Item>[]
  : T extends object
    ? { [Field in keyof T]-?: Whole<T[Field]> }
    : T;

const limits = { rpm: 600, itpm: 200_000, otpm: 50_000, concurrency: 20 };
const budget = { nanoUsd: 25_000_000_000, period: 'month' } as const;

const tokenPrices = (input: number): Whole<TokenPrices> => ({
  input,
  output: 5 * input,
  cacheRead: input / 10,
  cacheWrite5m: 1.25 * input,
  cacheWrite1h: 2 * input,
  reasoning: 6 * input,
});
const prices = (input: number): Whole<Prices> => ({
  ...tokenPrices(input),
  longPrompt: { aboveInputTokens: 200_000, prices: tokenPrices(2 * input) },
  batch: tokenPrices(input / 2),
});
const capabilities: Capabilities = {
  streaming: true,
  tools: 'native',
  vision: true,
  documents: true,
  reasoning: true,
  structuredOutputs: false,
};

const tenant: Whole<Tenant> = {
  ...{ id: 'acme', name: 'Acme GmbH', active: true, limits, budget },
  creditsNanoUsd: 150_000_000_000,
};

const settings: Whole<CatalogSettingsV1> = {
  brand: { slug: 'switchboard', keyPrefix: 'swb' },
  auto: { order: ['tier', 'health', 'price'], models: ['anthropic/claude-sonnet-4.6', 'openai/gpt-5'] },
  limiterUnavailable: 'open',
  routing: {
    retries: { share: 0.1, least: 10 },
    fallbacks: [{ models: ['anthropic/*'], to: ['openai/gpt-5'] }],
  },
  storeResponses: 'off',
};

const foundPart: Whole<FoundResponsePartV1> = { responseId: 'resp_01', parts: 2, sealed: 'AQJrMQ==' };

const provider: Whole<ProviderRecordV1> = {
  id: 'claude-direct',
  kind: 'anthropic',
  baseUrl: 'https://api.anthropic.com',
  apiVersion: '2024-10-21',
  tier: 1,
  timeouts: { connectMs: 2_000, firstTokenMs: 30_000, idleMs: 60_000, totalMs: 600_000 },
  limits: { concurrency: 100, rpm: 4_000, tpm: 2_000_000 },
  probe: { path: '/v1/models', intervalMs: 15_000 },
  trustedNetwork: false,
  sealed: 'v1.kek-2026-11.q0VJ3wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
};

const providerSecrets: Whole<ProviderSecretsV1> = {
  apiKey: 'sk-example',
  headers: { 'x-team': 'platform' },
};

const model: Omit<Whole<ModelRecordV1>, 'pricing'> & { pricing: Whole<PriceVersion>[] } = {
  id: 'anthropic/claude-sonnet-4.6',
  displayName: 'Claude Sonnet 4.6',
  description: 'Balanced — für fast alles 😀',
  category: 'llm',
  createdAt: '2026-02-01T00:00:00Z',
  aliases: ['sonnet'],
  contextWindow: 200_000,
  maxOutputTokens: 64_000,
  capabilities,
  pricing: [
    { version: 'v1', effectiveFromMs: 1_793_491_200_000, prices: prices(3_000_000) },
    { version: 'v2', effectiveFromMs: 1_798_761_600_000, prices: prices(3_200_000) },
  ],
  onDisconnect: 'cancel',
  upstreams: [{ provider: 'claude-direct', model: 'claude-sonnet-4-6', weight: 100, cost: prices(2_500_000) }],
  position: 0,
};

const key: Whole<KeyRecordV1> = {
  id: 'key_01',
  hash: 'ab'.repeat(32),
  name: 'ci',
  kind: 'service',
  tenantId: 'acme',
  permissions: ['llm', 'embeddings'],
  models: ['anthropic/*', 'auto'],
  origins: ['https://app.example.com'],
  ips: ['10.0.0.0/8', '2001:db8::/32'],
  expiresAtMs: 1_798_761_600_000,
  revoked: false,
  limits,
  budget,
  logging: { requests: true, prompts: false },
};

const recorded: Whole<UsageRecordedV1> & UsageRecordedV1 = {
  requestId: 'req_019aa1b2c3d47e5f8a9b0c1d2e3f4a5b',
  tenantId: 'acme',
  keyId: 'key_01',
  requestedModel: 'sonnet',
  model: 'anthropic/claude-sonnet-4.6',
  upstream: 'claude-direct',
  clientDialect: 'openai-chat',
  upstreamDialect: 'anthropic-messages',
  stream: true,
  usage: {
    inputTokens: 1_200,
    cacheReadTokens: 30_000,
    cacheWrite5mTokens: 400,
    cacheWrite1hTokens: 50,
    outputTokens: 600,
    reasoningTokens: 70,
  },
  costNanoUsd: 23_400_000,
  priceVersion: 'v1',
  accuracy: 'exact',
  startedAtMs: 1_795_176_000_123,
  firstTokenMs: 412.5,
  latencyMs: 2_345.25,
  attempts: 2,
  finish: 'end_turn',
  status: 200,
  losses: [{ feature: 'top_k', path: 'top_k' }],
  endUser: 'jane',
  clientMetadata: { team: 'search' },
  clientRequestId: 'c-1',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

const scopes: Whole<ScopeBounds>[] = [
  { scope: 'key:key_01', limits: { ...limits, tpm: 300_000 }, budgets: [{ id: 'budget', ...budget }] },
  {
    scope: 'tenant:acme',
    limits: { ...limits, tpm: 300_000 },
    budgets: [
      { id: 'budget', ...budget },
      { id: 'credits', nanoUsd: 100_000_000_000, period: 'total' },
    ],
  },
];

const reservation: Whole<ReservationRequest> = {
  requestId: recorded.requestId,
  group: 'tenant:acme',
  scopes,
  amounts: { inputTokens: 31_000, outputTokens: { least: 400, most: 800 }, nanoUsd: 120_000_000 },
  startedAtMs: 1_795_176_000_123,
  intent: {
    ...{ tenantId: 'acme', keyId: 'key_01', requestedModel: 'sonnet', model: 'anthropic/claude-sonnet-4.6' },
    ...{ upstream: 'claude-direct', clientDialect: 'openai-chat', upstreamDialect: 'anthropic-messages', stream: true },
    priceVersion: 'v1',
  },
};

const reserved = {
  requestId: recorded.requestId,
  group: 'tenant:acme',
  scopes: [
    { scope: 'key:key_01', budgets: ['budget'] },
    { scope: 'tenant:acme', budgets: ['budget', 'credits'] },
  ],
} satisfies Omit<Extract<LimiterBatchV2['steps'][number], { do: 'renew' }>, 'do'>;

const rate = (limit: number) => ({ limit, remaining: limit - 1, resetMs: 1_500 });
const rates = {
  requests: rate(600),
  inputTokens: rate(200_000),
  outputTokens: rate(50_000),
  tokens: rate(300_000),
};
const budgetState: BudgetState = {
  ...{
    id: 'budget',
    ...budget,
    spentNanoUsd: 24_990_000_000,
    heldNanoUsd: 5_000_000,
    periodStartMs: 1_793_491_200_000,
  },
};

const batch: LimiterBatchV2 = {
  steps: [
    { do: 'reserve', request: reservation, traceparent: recorded.traceparent },
    { do: 'extend', request: { ...reserved, nanoUsd: 7_680_000 } },
    {
      do: 'settle',
      settlement: { ...reserved, nanoUsd: 23_400_000, inputTokens: 31_650, outputTokens: 600 },
      ...{ request: reservation, outputTokens: 800, heldNanoUsd: 127_680_000 },
    },
    { do: 'renew', ...reserved },
    { do: 'restore', request: reservation, outputTokens: 800, heldNanoUsd: 127_680_000 },
  ],
};

const batchReply: LimiterBatchReplyV2 = {
  replies: [
    { outcome: 'granted', outputTokens: 800, rates },
    { outcome: 'denied', scope: 'key:key_01', reason: 'requests', limit: 600, retryAfterMs: 100, rates },
    { outcome: 'denied', scope: 'key:key_01', reason: 'budget', budget: budgetState, rates },
    { outcome: 'denied', scope: 'tenant:acme', reason: 'credits' },
    { outcome: 'done' },
    { outcome: 'orphaned' },
    { outcome: 'unavailable', message: 'not connected to redis', untried: true },
  ],
  leaseMs: 60_000,
};

const rateState: Whole<RateStateV2> = {
  scopes: [{ scope: 'key:key_01', rates, open: 3, concurrencyLimit: 20, budgets: [budgetState] }],
};

const logged: Whole<CallLoggedV1> = {
  requestId: 'req_0199c0a4b8c17a3f9f0a5c1d2e3f4a5b',
  clientRequestId: 'trace-1',
  atMs: 1_795_176_000_000,
  tenantId: 'acme',
  keyId: 'key_01',
  endpoint: 'messages',
  clientDialect: 'anthropic-messages',
  requestedModel: 'sonnet',
  model: 'anthropic/claude-sonnet-4.6',
  upstream: 'claude-direct',
  stream: true,
  status: 200,
  outcome: 'stop',
  usage: recorded.usage,
  costNanoUsd: 23_400_000,
  accuracy: 'exact',
  latencyMs: 1_843.25,
  firstTokenMs: 412.5,
  attempts: 1,
  ip: '203.0.113.7',
  userAgent: 'anthropic-sdk-typescript/0.91.0',
  prompt: '{"model":"sonnet","messages":[{"role":"user","content":"Grüße 😀"}]}',
  promptTruncated: true,
};

const candidate: Whole<ExplainedCandidateV1> = {
  model: 'anthropic/claude-sonnet-4.6',
  provider: 'claude-direct',
  upstreamModel: 'claude-sonnet-4-6',
  tier: 1,
  weight: 100,
  costUsdPerMillion: { input: 2.5, output: 12.5 },
  eligible: true,
  reason: 'lowest tier',
  state: 'degraded',
  stateReason: '4 of 20 calls failed within 10 s',
  rank: 0,
  expectedCostUsd: 0.0105,
  expectedSeconds: 9.2,
  firstTokenMs: 850,
  tokensPerSecond: 60,
  outputTokens: 500,
  cacheHitRate: 0.4,
};

const explanation: Whole<ExplanationV1> = {
  requested: 'sonnet',
  resolved: 'anthropic/claude-sonnet-4.6',
  found: true,
  suggestions: [],
  candidates: [candidate],
  snapshotCreatedAtMs: 1_795_176_000_000,
  snapshotVersion: 41,
};

const ofUpstream = { provider: 'claude-direct', model: 'claude-sonnet-4-6' };
const counts: Record<OutcomeClass, number> = {
  ...{ ok: 16, limited: 1, account: 0, failed: 3, missing: 0, timeout: 1 },
  ...{ connect: 0, malformed: 0, broken: 0, client: 2 },
};
const histogram: HistogramV1 = { 37: 12, 41: 4 };

const upstreamOutcomes: Whole<UpstreamOutcomesV1> = {
  ...ofUpstream,
  counts,
  firstTokenMs: histogram,
  totalMs: { 48: 2 },
  replies: 14,
  inputTokens: 20_000,
  cacheReadTokens: 8_000,
  outputTokens: 7_000,
  streamedTokens: 6_500,
  streamedMs: 108_000,
  inFlight: 9,
  late: 2,
  parkedForMs: 12_000,
};

const standing: Whole<ProviderStandingV1> = {
  provider: 'claude-direct',
  refusal: 'payment',
  quotaLeft: 0.04,
};

const rankedUpstream: Whole<RankedUpstreamV2> = {
  ...ofUpstream,
  state: 'open',
  stateVersion: 40,
  reason: '12 of 14 calls failed within 5 s',
  retryAfterMs: 2_000,
  weight: 100,
  firstTokenMs: 850,
  tokensPerSecond: 60,
  outputTokens: 500,
  cacheHitRate: 0.4,
};
const versioned = { epoch: 7, version: 41, createdAtMs: 1_795_176_000_000 };
const choice: Whole<RankedChoiceV2> = {
  model: 'anthropic/claude-sonnet-4.6',
  provider: 'claude-direct',
  upstreamModel: 'claude-sonnet-4-6',
  rank: 0,
};

const probeState: Whole<ProbeStateV1> = {
  result: 'failing',
  atMs: 1_795_176_000_000,
  latencyMs: 12,
  error: 'it answered 503',
};
const providerState: Whole<ProviderStateV1> = {
  provider: 'claude-direct',
  refusal: 'credential',
  quotaLeft: 0.04,
  probe: probeState,
};
const upstreamState: Whole<UpstreamStateV1> = {
  ...ofUpstream,
  models: ['anthropic/claude-sonnet-4.6'],
  state: 'open',
  reason: '12 of 14 calls failed within 5 s',
  sinceMs: 1_795_176_000_000,
  retryAtMs: 1_795_176_002_000,
  firstTokenMs: 850,
  tokensPerSecond: 60,
  outputTokens: 500,
  cacheHitRate: 0.4,
  counts,
  inFlight: 9,
  late: 2,
};

const heartbeat: Whole<HeartbeatV1> = {
  service: 'edge-api',
  instance: 'edge-api-7f9c-1',
  version: '0.1.0',
  startedAtMs: 1_795_176_000_000,
  sentAtMs: 1_795_176_005_000,
  status: 'degraded',
  checks: { nats: { status: 'down', required: false, error: 'not connected' } },
};

const notice: Whole<BudgetNotice> = {
  ...{ owner: 'key', id: 'key_01', tenant: 'acme', name: 'ci', budget: 'budget', period: 'month' },
  ...{ periodStart: '2026-11-01T00:00:00.000Z', periodEnd: '2026-12-01T00:00:00.000Z' },
  ...{ budgetUsd: '25.000000000', budgetNanoUsd: '25000000000', spentUsd: '20.100000000', spentNanoUsd: '20100000000' },
};

const thresholdReached: Whole<BudgetThresholdReachedV1> = {
  ...{ id: 'evt_01', type: 'budget.threshold_reached', createdAt: '2026-11-28T10:00:03.120Z' },
  data: { ...notice, thresholdPercent: 80 },
};

const periodStarted: Whole<BudgetPeriodStartedV1> = {
  ...{ id: 'evt_02', type: 'budget.period_started', createdAt: '2026-11-28T10:00:03.120Z' },
  data: {
    ...notice,
    previous: {
      ...{ periodStart: '2026-10-01T00:00:00.000Z', periodEnd: '2026-11-01T00:00:00.000Z' },
      ...{ spentUsd: '3.000000000', spentNanoUsd: '3000000000' },
    },
  },
};

/** Each type that travels, under its own name, as one file of `__fixtures__`. Published ones never change. */
const GOLDENS = {
  CallBatchV1: { calls: [logged] } satisfies Whole<CallBatchV1>,
  CallLoggedV1: logged,
  BudgetPeriodStartedV1: periodStarted,
  BudgetThresholdReachedV1: thresholdReached,
  CatalogSettingsV1: settings,
  ExplainedCandidateV1: candidate,
  ExplainRequestV1: { model: 'auto:cheapest' } satisfies Whole<ExplainRequestV1>,
  ExplanationV1: explanation,
  HeartbeatV1: heartbeat,
  KeyRecordV1: key,
  ModelRecordV1: model,
  HistogramV1: histogram,
  OutcomesV1: {
    ...{ edge: 'edge-api-7f9c-1', forMs: 1_000 },
    ...{ upstreams: [upstreamOutcomes], providers: [standing] },
  } satisfies Whole<OutcomesV1>,
  ProbeStateV1: probeState,
  ProviderRecordV1: provider,
  ProviderSecretsV1: providerSecrets,
  ProviderStandingV1: standing,
  ProviderStateV1: providerState,
  RankedChoiceV2: choice,
  RankedUpstreamV2: rankedUpstream,
  FoundResponsePartV1: foundPart,
  ResponseDeleteReplyV1: { deleted: true } satisfies Whole<ResponseDeleteReplyV1>,
  ResponseDeleteRequestV1: { tenantId: 'acme', responseId: 'resp_01' } satisfies Whole<ResponseDeleteRequestV1>,
  ResponsePartReplyV1: { found: foundPart } satisfies Whole<ResponsePartReplyV1>,
  ResponsePartRequestV1: {
    ...{ tenantId: 'acme', responseId: 'resp_01', itemIds: ['msg_01', 'rs_01'], part: 1 },
  } satisfies Whole<ResponsePartRequestV1>,
  ResponsePartV1: {
    ...{ tenantId: 'acme', keyId: 'key_01', responseId: 'resp_01', createdAtMs: 1_795_176_000_000 },
    ...{ model: 'openai/gpt-5', status: 'completed', itemIds: ['msg_01', 'rs_01'] },
    ...{ part: 0, parts: 2, sealed: 'AQJrMQ==' },
  } satisfies Whole<ResponsePartV1>,
  RoutedModelV2: {
    ...versioned,
    ...{ model: 'anthropic/claude-sonnet-4.6', upstreams: [rankedUpstream] },
  } satisfies Whole<RoutedModelV2>,
  RoutedPolicyV2: { ...versioned, policy: 'auto:cheapest', ranked: [choice] } satisfies Whole<RoutedPolicyV2>,
  RoutingHeadV2: { ...versioned, leader: 'router-0' } satisfies Whole<RoutingHeadV2>,
  LimiterBatchReplyV2: batchReply,
  LimiterBatchV2: batch,
  RateStateRequestV2: { group: 'tenant:acme', scopes } satisfies Whole<RateStateRequestV2>,
  RateStateV2: rateState,
  SpendingRequestV1: {
    tenantId: 'acme',
    keyId: 'key_01',
    fromMs: 1_793_491_200_000,
  } satisfies Whole<SpendingRequestV1>,
  SpendingV1: { nanoUsd: 23_400_000 } satisfies Whole<SpendingV1>,
  UpstreamOutcomesV1: upstreamOutcomes,
  UpstreamsV1: {
    ...{ leader: 'router-0', ...versioned },
    ...{ providers: [providerState], upstreams: [upstreamState] },
  } satisfies Whole<UpstreamsV1>,
  UpstreamStateV1: upstreamState,
  UsageBatchV1: { events: [recorded] } satisfies Whole<UsageBatchV1>,
  UsageRecordedV1: recorded,
  WebhookTestV1: {
    ...{ id: 'evt_03', type: 'webhook.test', createdAt: '2026-11-28T10:00:03.120Z' },
    data: { webhook: 'whk_01' },
  } satisfies Whole<WebhookTestV1>,
  // In the keys bucket, whose name carries its version.
  TenantV1: tenant,
};

const FIXTURES = path.join(__dirname, '__fixtures__');

/** `UsageBatchV1` → `usage-batch.v1.json`. */
function fileOf(type: string): string {
  const [, name = '', version = ''] = /^(\w+)V(\d+)$/.exec(type) ?? [];
  return `${name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.v${version}.json`;
}

function read(type: string): Buffer {
  return readFileSync(path.join(FIXTURES, fileOf(type)));
}

describe.each(Object.entries(GOLDENS))('%s', (type, value) => {
  test('its golden is read as the value it stands for', () => {
    expect(decodeJson(read(type))).toStrictEqual(value);
  });

  test('what we write is the golden, to the byte', () => {
    const written = decodeJson(encodeJson(decodeJson(read(type))));
    expect(`${JSON.stringify(written, null, 2)}\n`).toBe(read(type).toString('utf8'));
    expect(Buffer.from(encodeJson(value)).equals(encodeJson(decodeJson(read(type))))).toBe(true);
  });
});

test('every versioned type has a golden, and every golden a type', () => {
  const sources = readdirSync(__dirname).filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
  const declared = sources.flatMap((file) =>
    [...readFileSync(path.join(__dirname, file), 'utf8').matchAll(/^export (?:interface|type) (\w+V\d+)\b/gm)].map(
      ([, name]) => name,
    ),
  );
  expect(declared.concat('TenantV1').sort()).toEqual(Object.keys(GOLDENS).sort());
  expect(readdirSync(FIXTURES).sort()).toEqual(Object.keys(GOLDENS).map(fileOf).sort());
});
