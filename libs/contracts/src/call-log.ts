import type { DialectId, Usage } from '@switchboard/protocol';
import type { NanoUsd } from './money';
import {
  ACCURACY,
  COUNT,
  fieldFault,
  type FieldKind,
  type Fields,
  FLAG,
  ID,
  isObject,
  MILLISECONDS,
  OBJECT,
  optional,
  readRecords,
  TEXT,
  USAGE_FIELDS,
} from './record-fields';
import type { UsageBatchFault, UsageRecordedV1 } from './usage-event';

export const CALL_LOG = Symbol('CALL_LOG');
export const CALL_QUERIES = Symbol('CALL_QUERIES');

/**
 * Who called what, and what became of it: of keys that ask for it, refused calls too. Holds no credentials, and the prompt
 * only where the key asks for that as well. Published versions never change; a new need is a `v2`.
 */
export interface CallLoggedV1 {
  requestId: string;
  /** As the client named it. */
  clientRequestId?: string;
  /** When the caller was known, milliseconds since the epoch. */
  atMs: number;
  tenantId: string;
  keyId: string;
  /** `messages`, `count-tokens`, `chat-completions`. */
  endpoint: string;
  clientDialect: DialectId;
  /** As the client named it, at most 512 characters; absent where the body was not read so far. */
  requestedModel?: string;
  /** Catalog id, and the provider; absent where no upstream was called. */
  model?: string;
  upstream?: string;
  stream?: boolean;
  /** As it was told; 499: the client had left. */
  status: number;
  /** The dialect-neutral reason for the end of a reply, `counted`, `disconnected`, or the gateway's error code. */
  outcome: string;
  /** These three as in usage; absent where no upstream was called. */
  usage?: Usage;
  costNanoUsd?: NanoUsd;
  accuracy?: UsageRecordedV1['accuracy'];
  /** As in usage; where no upstream was called, from when the caller was known. */
  latencyMs: number;
  firstTokenMs?: number;
  /** Calls to upstreams. */
  attempts: number;
  /** The caller's address, behind trusted proxies theirs who called them. */
  ip: string;
  /** At most 512 characters. */
  userAgent?: string;
  /** The body of the request as it came, at most 64 KiB of it. */
  prompt?: string;
  /** There was more. */
  promptTruncated?: boolean;
}

export interface CallBatchV1 {
  calls: CallLoggedV1[];
}

/** Port: takes what it is told and returns at once. It never fails its caller; what cannot be kept is counted. */
export interface CallLog {
  record(call: CallLoggedV1): void;
}

/** Every given field must match. */
export interface CallFilter {
  tenantId?: string;
  keyId?: string;
  /** Catalog id. */
  model?: string;
  status?: number;
  outcome?: string;
  /** Calls of this time or later, milliseconds since the epoch. */
  fromMs?: number;
  /** Calls before this time. */
  toMs?: number;
}

export interface CallPage {
  /** The latest first. */
  calls: CallLoggedV1[];
  /** Opaque; absent on the last page. */
  nextCursor?: string;
}

/** Port: reads the call log. Prompts are read only where `prompts` says so. Fails with the store's error when it is away. */
export interface CallQueries {
  /** @throws InvalidCursorError when `cursor` did not come from an earlier page. */
  list(filter: CallFilter, page: { limit: number; cursor?: string; prompts?: boolean }): Promise<CallPage>;
  /** Undefined: there is none. */
  get(requestId: string, options?: { prompts?: boolean }): Promise<CallLoggedV1 | undefined>;
}

/** What a message of the stream of calls (CallBatchV1) holds. */
export interface CallBatchReading {
  calls: CallLoggedV1[];
  faults: UsageBatchFault[];
}

/** Never throws: senders of other releases, and anybody who reaches the bus, write to the stream. */
export function parseCallBatch(payload: Uint8Array): CallBatchReading {
  const records = readRecords(payload, 'calls');
  if (typeof records === 'string') return { calls: [], faults: [{ fault: records }] };
  const reading: CallBatchReading = { calls: [], faults: [] };
  records.forEach((record, index) => {
    const fault = faultOf(record);
    if (fault === undefined) reading.calls.push(record as CallLoggedV1);
    else reading.faults.push({ index, fault: `calls[${index}]${fault}`, record: JSON.stringify(record) });
  });
  return reading;
}

const CALL_FIELDS: Fields = Object.entries<FieldKind>({
  requestId: ID,
  clientRequestId: optional(TEXT),
  atMs: COUNT,
  tenantId: ID,
  keyId: ID,
  endpoint: ID,
  clientDialect: ID,
  requestedModel: optional(TEXT),
  model: optional(TEXT),
  upstream: optional(TEXT),
  stream: optional(FLAG),
  status: COUNT,
  outcome: TEXT,
  usage: optional(OBJECT),
  costNanoUsd: optional(COUNT),
  accuracy: optional(ACCURACY),
  latencyMs: MILLISECONDS,
  firstTokenMs: optional(MILLISECONDS),
  attempts: COUNT,
  ip: TEXT,
  userAgent: optional(TEXT),
  prompt: optional(TEXT),
  promptTruncated: optional(FLAG),
} satisfies Record<keyof CallLoggedV1, FieldKind>);

/** Undefined: none. Else the path below the record, and what is wrong there. */
function faultOf(record: unknown): string | undefined {
  if (!isObject(record)) return ' is not an object';
  const fault = fieldFault(record, CALL_FIELDS);
  if (fault !== undefined || record['usage'] === undefined) return fault;
  return fieldFault(record['usage'] as object, USAGE_FIELDS, '.usage');
}
