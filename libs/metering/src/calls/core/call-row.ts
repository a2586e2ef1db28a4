import type { CallLoggedV1 } from '@switchboard/contracts';
import { type Column, optional, storable, whole } from '../../core/row';

/** The columns an insert sets, in its order, with their values. Durations are whole milliseconds in the table. */
export const CALL_COLUMNS: readonly Column<CallLoggedV1>[] = [
  { name: 'request_id', type: 'text', value: (call) => storable(call.requestId) },
  { name: 'client_request_id', type: 'text', value: (call) => optional(call.clientRequestId) },
  { name: 'at', type: 'timestamptz', value: (call) => new Date(call.atMs).toISOString() },
  { name: 'tenant_id', type: 'text', value: (call) => storable(call.tenantId) },
  { name: 'key_id', type: 'text', value: (call) => storable(call.keyId) },
  { name: 'endpoint', type: 'text', value: (call) => storable(call.endpoint) },
  { name: 'client_dialect', type: 'text', value: (call) => storable(call.clientDialect) },
  { name: 'requested_model', type: 'text', value: (call) => optional(call.requestedModel) },
  { name: 'model', type: 'text', value: (call) => optional(call.model) },
  { name: 'upstream', type: 'text', value: (call) => optional(call.upstream) },
  { name: 'stream', type: 'boolean', value: (call) => call.stream ?? null },
  { name: 'status', type: 'integer', value: (call) => call.status },
  { name: 'outcome', type: 'text', value: (call) => storable(call.outcome) },
  { name: 'input_tokens', type: 'bigint', value: (call) => call.usage?.inputTokens ?? null },
  { name: 'cache_read_tokens', type: 'bigint', value: (call) => call.usage?.cacheReadTokens ?? null },
  { name: 'cache_write_5m_tokens', type: 'bigint', value: (call) => call.usage?.cacheWrite5mTokens ?? null },
  { name: 'cache_write_1h_tokens', type: 'bigint', value: (call) => call.usage?.cacheWrite1hTokens ?? null },
  { name: 'output_tokens', type: 'bigint', value: (call) => call.usage?.outputTokens ?? null },
  { name: 'reasoning_tokens', type: 'bigint', value: (call) => call.usage?.reasoningTokens ?? null },
  { name: 'cost_nano_usd', type: 'bigint', value: (call) => call.costNanoUsd ?? null },
  { name: 'accuracy', type: 'text', value: (call) => call.accuracy ?? null },
  { name: 'latency_ms', type: 'integer', value: (call) => whole(call.latencyMs) },
  { name: 'first_token_ms', type: 'integer', value: (call) => whole(call.firstTokenMs) },
  { name: 'attempts', type: 'integer', value: (call) => call.attempts },
  { name: 'ip', type: 'text', value: (call) => storable(call.ip) },
  { name: 'user_agent', type: 'text', value: (call) => optional(call.userAgent) },
  { name: 'prompt', type: 'text', value: (call) => optional(call.prompt) },
  { name: 'prompt_truncated', type: 'boolean', value: (call) => call.promptTruncated ?? false },
];
