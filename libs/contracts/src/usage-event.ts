import type { DialectId, Loss, Usage } from '@switchboard/protocol';
import type { NanoUsd } from './money';

/** One call, as it is billed. Published versions never change; a new need is a `v2`. */
export interface UsageRecordedV1 {
  requestId: string;
  tenantId: string;
  keyId: string;
  /** As the client named it. */
  requestedModel: string;
  /** Catalog id. */
  model: string;
  /** Provider id that served. */
  upstream: string;
  clientDialect: DialectId;
  upstreamDialect: DialectId;
  stream: boolean;
  usage: Usage;
  costNanoUsd: NanoUsd;
  /** `exact`: the upstream's own numbers; `estimated`: counted by us; `orphaned`: the edge died, from the reservation. */
  accuracy: 'exact' | 'estimated' | 'orphaned';
  startedAtMs: number;
  /** From the request's last byte in to the first byte out; absent where none went out. */
  firstTokenMs?: number;
  latencyMs: number;
  attempts: number;
  /** The dialect-neutral reason, or `disconnected`, `upstream_error`. */
  finish: string;
  status: number;
  losses: readonly Loss[];
  endUser?: string;
  clientRequestId?: string;
}

/** Port: takes a record and returns at once; delivery is the adapter's promise. */
export interface UsageSink {
  record(event: UsageRecordedV1): void;
}
