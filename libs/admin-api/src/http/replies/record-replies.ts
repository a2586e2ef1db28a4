import { z } from 'zod';
import { decimalUsdReply, digitsReply, instantReply, named, pageOfReplies } from './reply-registry';

const count = z.number().int();

const tokenCounts = {
  inputTokens: count,
  cacheReadTokens: count,
  cacheWrite5mTokens: count,
  cacheWrite1hTokens: count,
  outputTokens: count,
  reasoningTokens: count,
  costNanoUsd: digitsReply,
  costUsd: decimalUsdReply,
};

export const usageRecordReply = named(
  'UsageRecord',
  z.strictObject({
    requestId: z.string(),
    startedAt: instantReply,
    tenant: z.string(),
    key: z.string(),
    requestedModel: z.string(),
    model: z.string(),
    upstream: z.string(),
    clientDialect: z.string(),
    upstreamDialect: z.string(),
    stream: z.boolean(),
    ...tokenCounts,
    accuracy: z.enum(['exact', 'estimated', 'orphaned']),
    firstTokenMs: count.nullable(),
    latencyMs: count,
    attempts: count,
    finish: z.string(),
    status: count,
    losses: z.array(z.looseObject({ feature: z.string(), path: z.string() })),
    endUser: z.string().nullable(),
    clientRequestId: z.string().nullable(),
    priceVersion: z.string().nullable(),
    clientMetadata: z.record(z.string(), z.string()).nullable(),
  }),
);

const usageTotalReply = named('UsageTotal', z.strictObject({ group: z.string(), requests: count, ...tokenCounts }));

/** Calls, or, with `groupBy`, their sums. */
export const usageReply = z.union([
  pageOfReplies('UsagePage', usageRecordReply),
  named('UsageTotals', z.strictObject({ data: z.array(usageTotalReply), truncated: z.boolean() })),
]);

export const refusedUsageReply = named(
  'RefusedUsage',
  z.strictObject({
    id: z.string(),
    state: z.enum(['waiting', 'replayed', 'dismissed']),
    receivedAt: instantReply,
    reason: z.string(),
    refusals: count,
    replayedAt: instantReply.nullable(),
    dismissedAt: instantReply.nullable(),
    payload: z.string(),
  }),
);

export const refusedUsagePageReply = pageOfReplies('RefusedUsagePage', refusedUsageReply);

export const reconciliationPageReply = pageOfReplies(
  'ReconciliationPage',
  named(
    'Reconciliation',
    z.strictObject({
      id: z.string(),
      startedAt: instantReply,
      finishedAt: instantReply,
      balanced: z.boolean(),
      differenceCount: count,
      differences: z.array(
        z.strictObject({ breach: z.string(), id: z.string(), expected: z.string(), found: z.string() }),
      ),
      counts: z.record(z.string(), count),
      stream: z.record(z.string(), count).nullable(),
    }),
  ),
);

export const auditEntryReply = named(
  'AuditEntry',
  z.strictObject({
    id: z.string(),
    at: instantReply,
    actor: z.string(),
    action: z.string(),
    resourceType: z.string(),
    resourceId: z.string(),
    tenant: z.string().nullable(),
    before: z.unknown(),
    after: z.unknown(),
  }),
);

export const auditPageReply = pageOfReplies('AuditPage', auditEntryReply);

const checkReply = z.strictObject({
  status: z.enum(['up', 'down']),
  required: z.boolean(),
  error: z.string().optional(),
});

const instanceReply = z.strictObject({
  instance: z.string(),
  version: z.string(),
  startedAt: instantReply,
  lastSeenAt: instantReply,
  stale: z.boolean(),
  status: z.enum(['ready', 'degraded', 'unavailable']),
  checks: z.record(z.string(), checkReply),
});

/** Null where it cannot be told now. */
const upstreamReply = named(
  'UpstreamHealth',
  z.strictObject({
    provider: z.string(),
    model: z.string(),
    models: z.array(z.string()),
    state: z.enum(['healthy', 'degraded', 'half-open', 'open']),
    reason: z.string().nullable(),
    since: instantReply,
    retryAt: instantReply.nullable(),
    firstTokenMs: z.number().nullable(),
    tokensPerSecond: z.number().nullable(),
    outputTokens: z.number().nullable(),
    cacheHitRate: z.number().nullable(),
    /** Of the last ten seconds, by what came of them. */
    calls: z.record(z.string(), count),
    inFlight: count,
    late: count,
  }),
);

const providerHealthReply = named(
  'ProviderHealth',
  z.strictObject({
    provider: z.string(),
    refusal: z.enum(['credential', 'payment']).nullable(),
    quotaLeft: z.number().nullable(),
    probe: z.strictObject({
      result: z.enum(['off', 'unknown', 'passing', 'failing']),
      at: instantReply.nullable(),
      latencyMs: z.number().nullable(),
      error: z.string().nullable(),
    }),
  }),
);

export const healthReply = named(
  'Health',
  z.strictObject({
    status: z.enum(['ok', 'degraded']),
    services: z.array(
      z.strictObject({
        service: z.string(),
        status: z.enum(['ready', 'degraded', 'unavailable', 'missing']),
        instances: z.array(instanceReply),
      }),
    ),
    bus: z.strictObject({ status: z.enum(['up', 'down']) }),
    postgres: z.strictObject({ status: z.enum(['up', 'down']), error: z.string().optional() }),
    usageQueue: z.strictObject({ pending: count, unacknowledged: count }).nullable(),
    outbox: z.strictObject({ depth: count, oldestSeconds: z.number().nullable() }).nullable(),
    /** Null: no router leads. */
    routing: z
      .strictObject({
        leader: z.string(),
        snapshotVersion: count,
        snapshotAt: instantReply,
        providers: z.array(providerHealthReply),
        upstreams: z.array(upstreamReply),
      })
      .nullable(),
  }),
);

export const configDiffReply = named(
  'ConfigDiff',
  z.strictObject({
    source: z.string(),
    valid: z.boolean(),
    faults: z.array(z.string()),
    changes: z.array(
      z.strictObject({
        resource: z.string(),
        action: z.enum(['create', 'update', 'delete', 'revoke', 'deactivate', 'open']),
        id: z.string(),
        tenantId: z.string().optional(),
        before: z.unknown(),
        after: z.unknown(),
        secretChanged: z.boolean(),
      }),
    ),
    notes: z.array(z.string()),
  }),
);
