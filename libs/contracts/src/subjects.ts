import type { BucketDefinition, StreamDefinition } from './bus';
import type { RoutedPolicyV2 } from './routing';

/**
 * Every subject, stream and bucket there is. A subject names the version of what it carries; what is published never
 * changes, a new need gets the next version beside it. Payloads are JSON in UTF-8.
 */
export const SUBJECTS = {
  /** LimiterBatchV2 → LimiterBatchReplyV2. */
  limiterBatch: 'switchboard.rate-limit.v2.batch',
  /** RateStateRequestV2 → RateStateV2. */
  rateState: 'switchboard.rate-limit.v2.state',
  /** Empty, nobody answers: whoever holds reservations tells of them at once, since the store lost some. */
  limiterRecall: 'switchboard.rate-limit.v2.recall',
  /** SpendingRequestV1 → SpendingV1. */
  spending: 'switchboard.metering.v1.spending',
  /** ResponsePartRequestV1 → ResponsePartReplyV1. */
  responsePart: 'switchboard.metering.v1.response-part',
  /** ResponseDeleteRequestV1 → ResponseDeleteReplyV1. */
  responseDelete: 'switchboard.metering.v1.response-delete',
  /** ExplainRequestV1 → ExplanationV1. */
  explain: 'switchboard.router.v1.explain',
  /** Empty → UpstreamsV1; the router that leads answers. */
  upstreams: 'switchboard.router.v1.upstreams',
  /** OutcomesV1, nobody answers: what an edge met at its upstreams. */
  outcomes: 'switchboard.router.v1.outcomes',
} as const;

const HOUR_MS = 3_600_000;

export const STREAMS = {
  /** UsageBatchV1. */
  usage: {
    name: 'SWITCHBOARD_USAGE',
    subject: 'switchboard.usage.v1.recorded',
    dedupeWindowMs: 10 * 60_000,
    maxAgeMs: 7 * 24 * HOUR_MS,
  },
  /** CallBatchV1. Bounded, and emptied as it is read: prompts must not take the disk that usage needs, nor stay in two places. */
  calls: {
    name: 'SWITCHBOARD_CALLS',
    subject: 'switchboard.calls.v1.logged',
    dedupeWindowMs: 10 * 60_000,
    maxAgeMs: 7 * 24 * HOUR_MS,
    queue: { bytesMax: 1024 ** 3 },
  },
  /** ResponsePartV1. As the stream of calls is: bounded, and emptied as it is read. */
  responses: {
    name: 'SWITCHBOARD_RESPONSES',
    subject: 'switchboard.responses.v1.stored',
    dedupeWindowMs: 10 * 60_000,
    maxAgeMs: 7 * 24 * HOUR_MS,
    queue: { bytesMax: 512 * 1024 ** 2 },
  },
} as const satisfies Record<string, StreamDefinition>;

export const BUCKETS = {
  /** `settings` → CatalogSettingsV1, `provider.<id>` → ProviderRecordV1, `model.<id>` → ModelRecordV1. */
  catalog: { name: 'switchboard_catalog_v1' },
  /** `key.<hash>` → KeyRecordV1, `tenant.<id>` → Tenant. */
  keys: { name: 'switchboard_keys_v1' },
  /** `head` → RoutingHeadV2, `model.<id>` → RoutedModelV2, `policy.<name>` → RoutedPolicyV2; a change writes what changed. */
  routing: { name: 'switchboard_routing_v2' },
  /** `<what>` → the instance that does it, gone unless it says so again; see the lease in platform. */
  leases: { name: 'switchboard_leases_v1', ttlMs: 5_000 },
  /** `<service>.<instance>` → HeartbeatV1, gone when its process is. */
  services: { name: 'switchboard_services_v1', ttlMs: 15_000 },
} as const satisfies Record<string, BucketDefinition>;

export const SETTINGS_KEY = 'settings';
/** Of the routing bucket. */
export const ROUTING_HEAD_KEY = 'head';

/** Ids hold characters that keys may not (`anthropic/claude-sonnet-4.6`, `~x`, `a:b`): UTF-8 in base64url. */
export const bucketKey = {
  provider: (id: string): string => `provider.${encodeId(id)}`,
  model: (id: string): string => `model.${encodeId(id)}`,
  policy: (name: RoutedPolicyV2['policy']): string => `policy.${encodeId(name)}`,
  tenant: (id: string): string => `tenant.${encodeId(id)}`,
  /** `hash`: lower-case hex. */
  key: (hash: string): string => `key.${hash}`,
  heartbeat: (service: string, instance: string): string => `${service}.${instance}`,
};

/** `model.<encoded>` → `{ kind: 'model', id }`; undefined for keys without such a shape. */
export function parseBucketKey(key: string): { kind: string; id: string } | undefined {
  const dot = key.indexOf('.');
  if (dot === -1) return undefined;
  return { kind: key.slice(0, dot), id: Buffer.from(key.slice(dot + 1), 'base64url').toString('utf8') };
}

function encodeId(id: string): string {
  return Buffer.from(id, 'utf8').toString('base64url');
}

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** @throws SyntaxError when it is not JSON; the shape is the sender's promise, made by the subject's version. */
export function decodeJson<T>(payload: Uint8Array): T {
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8')) as T;
}
