import {
  costNanoUsd,
  type KeyRecord,
  type NanoUsd,
  priceAt,
  type Prices,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import { emptyUsage, type DialectId, type Loss, type Usage } from '@switchboard/protocol';
import { affordable } from './affordable';
import { likelyInputTokens } from './input-estimate';
import type { Candidate } from './plan';

/** Bytes per token where the upstream's own figure never came; the record says `estimated`. */
const BYTES_PER_TOKEN = 4;

export interface CallOutcome {
  requestId: string;
  clientRequestId: string | undefined;
  endUser?: string | undefined;
  clientMetadata?: Record<string, string> | undefined;
  key: KeyRecord;
  requestedModel: string;
  candidate: Candidate;
  clientDialect: DialectId;
  stream: boolean;
  startedAtMs: number;
  firstTokenMs: number | undefined;
  latencyMs: number;
  attempts: number;
  status: number;
  finish: string;
  losses: readonly Loss[];
  /** The upstream's own figures, as far as they came. */
  usage: Usage | undefined;
  /** The reply ended as its dialect ends, so that `usage` is the whole of it. */
  complete: boolean;
  /** The upstream took the request: something may have been spent. */
  accepted: boolean;
  /** As it was sent to the upstream. */
  requestBody: Buffer;
  outputBytes: number;
  /** Set aside for the call in a budget; an estimate costs no more than that. */
  heldNanoUsd?: NanoUsd | undefined;
}

export function usageRecord(outcome: CallOutcome): UsageRecordedV1 {
  const exact = !outcome.accepted || (outcome.complete && outcome.usage !== undefined);
  const { version, prices } = priceAt(outcome.candidate.model, outcome.startedAtMs);
  const usage = exact ? (outcome.usage ?? emptyUsage()) : estimatedUsage(outcome, prices);
  const record: UsageRecordedV1 = {
    requestId: outcome.requestId,
    tenantId: outcome.key.tenant.id,
    keyId: outcome.key.id,
    requestedModel: outcome.requestedModel,
    model: outcome.candidate.model.id,
    upstream: outcome.candidate.provider.id,
    clientDialect: outcome.clientDialect,
    upstreamDialect: outcome.candidate.dialect.id,
    stream: outcome.stream,
    usage,
    costNanoUsd: costNanoUsd(usage, prices),
    priceVersion: version,
    accuracy: exact ? 'exact' : 'estimated',
    startedAtMs: outcome.startedAtMs,
    latencyMs: toMicros(outcome.latencyMs),
    attempts: outcome.attempts,
    finish: outcome.finish,
    status: outcome.status,
    losses: outcome.losses,
  };
  // Written out: spreads take ten times as long, and every call comes through here.
  if (outcome.firstTokenMs !== undefined) record.firstTokenMs = toMicros(outcome.firstTokenMs);
  if (outcome.endUser !== undefined) record.endUser = outcome.endUser;
  if (outcome.clientMetadata !== undefined) record.clientMetadata = outcome.clientMetadata;
  if (outcome.clientRequestId !== undefined) record.clientRequestId = outcome.clientRequestId;
  return record;
}

/** What is finer than that is noise, and would be written into every record with thirteen digits more. */
function toMicros(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}

/** The upstream's figures where they came, else counted from bytes; output is not less than what was seen. */
function estimatedUsage(outcome: CallOutcome, prices: Prices): Usage {
  const { usage, requestBody, outputBytes, heldNanoUsd = Infinity } = outcome;
  const known = usage ?? { ...emptyUsage(), inputTokens: likelyInputTokens(requestBody) };
  const outputTokens = Math.max(known.outputTokens, Math.ceil(outputBytes / BYTES_PER_TOKEN));
  return affordable({ ...known, outputTokens }, prices, heldNanoUsd);
}
