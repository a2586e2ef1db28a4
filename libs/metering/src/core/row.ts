import type { UsageRecordedV1 } from '@switchboard/contracts';

type Cell = string | number | boolean | null;

export interface Column<Row> {
  name: string;
  type: 'text' | 'boolean' | 'bigint' | 'integer' | 'timestamptz' | 'jsonb';
  value: (row: Row) => Cell;
}

/** The columns an insert sets, in its order, with their values. Durations are whole milliseconds in the table. */
export const USAGE_COLUMNS: readonly Column<UsageRecordedV1>[] = [
  { name: 'request_id', type: 'text', value: storedRequestId },
  { name: 'tenant_id', type: 'text', value: (event) => storable(event.tenantId) },
  { name: 'key_id', type: 'text', value: (event) => storable(event.keyId) },
  { name: 'requested_model', type: 'text', value: (event) => storable(event.requestedModel) },
  { name: 'model', type: 'text', value: (event) => storable(event.model) },
  { name: 'upstream', type: 'text', value: (event) => storable(event.upstream) },
  { name: 'client_dialect', type: 'text', value: (event) => event.clientDialect },
  { name: 'upstream_dialect', type: 'text', value: (event) => event.upstreamDialect },
  { name: 'stream', type: 'boolean', value: (event) => event.stream },
  { name: 'input_tokens', type: 'bigint', value: (event) => event.usage.inputTokens },
  { name: 'cache_read_tokens', type: 'bigint', value: (event) => event.usage.cacheReadTokens },
  { name: 'cache_write_5m_tokens', type: 'bigint', value: (event) => event.usage.cacheWrite5mTokens },
  { name: 'cache_write_1h_tokens', type: 'bigint', value: (event) => event.usage.cacheWrite1hTokens },
  { name: 'output_tokens', type: 'bigint', value: (event) => event.usage.outputTokens },
  { name: 'reasoning_tokens', type: 'bigint', value: (event) => event.usage.reasoningTokens },
  { name: 'cost_nano_usd', type: 'bigint', value: (event) => event.costNanoUsd },
  { name: 'accuracy', type: 'text', value: (event) => event.accuracy },
  { name: 'started_at', type: 'timestamptz', value: (event) => new Date(event.startedAtMs).toISOString() },
  { name: 'first_token_ms', type: 'integer', value: (event) => whole(event.firstTokenMs) },
  { name: 'latency_ms', type: 'integer', value: (event) => whole(event.latencyMs) },
  { name: 'attempts', type: 'integer', value: (event) => event.attempts },
  { name: 'finish', type: 'text', value: (event) => storable(event.finish) },
  { name: 'status', type: 'integer', value: (event) => event.status },
  { name: 'losses', type: 'jsonb', value: (event) => JSON.stringify(event.losses.map(storableLoss)) },
  { name: 'end_user', type: 'text', value: (event) => optional(event.endUser) },
  { name: 'client_metadata', type: 'jsonb', value: (event) => storableTexts(event.clientMetadata) },
  { name: 'client_request_id', type: 'text', value: (event) => optional(event.clientRequestId) },
  { name: 'price_version', type: 'text', value: (event) => optional(event.priceVersion) },
];

/** What identifies a request in the database. */
export function storedRequestId(event: UsageRecordedV1): string {
  return storable(event.requestId);
}

/** Postgres text holds neither NUL nor half a surrogate pair; a client's header or field may. */
export function storable(text: string): string {
  // Nearly always neither, which this tells without a copy.
  if (text.search(/[\0\ud800-\udfff]/) === -1) return text;
  return text.replace(/\0|\p{Surrogate}/gu, '\uFFFD');
}

function storableLoss({ feature, path }: UsageRecordedV1['losses'][number]): { feature: string; path: string } {
  return { feature: storable(feature), path: storable(path) };
}

function storableTexts(texts: UsageRecordedV1['clientMetadata']): string | null {
  if (texts === undefined) return null;
  const members = Object.entries(texts).map(([name, text]) => [storable(name), storable(text)]);
  return JSON.stringify(Object.fromEntries(members));
}

export function optional(text: string | undefined): string | null {
  return text === undefined ? null : storable(text);
}

export function whole(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}
