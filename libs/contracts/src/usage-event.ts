import type { DialectId, Loss, Usage } from '@switchboard/protocol';
import type { NanoUsd } from './money';
import {
  ACCURACY,
  ANYTHING,
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
  /** Of the model's prices, the one that the cost was worked out by. */
  priceVersion?: string;
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
  /** Whom the client said it asked for. */
  endUser?: string;
  /** What the client attached to the call for itself; at most 4 KiB as JSON. */
  clientMetadata?: Readonly<Record<string, string>>;
  clientRequestId?: string;
  /** Of a call whose trace is kept: what comes next belongs below this span (W3C). It is no fact of the call, and not stored. */
  traceparent?: string;
}

/** What the usage record of a call is made from if its edge dies: the most that the call can have come to. */
export interface UsageIntent extends Pick<
  UsageRecordedV1,
  | 'requestId'
  | 'tenantId'
  | 'keyId'
  | 'requestedModel'
  | 'model'
  | 'upstream'
  | 'clientDialect'
  | 'upstreamDialect'
  | 'stream'
  | 'startedAtMs'
  | 'attempts'
  | 'priceVersion'
  | 'endUser'
  | 'clientRequestId'
> {
  inputTokens: number;
  outputTokens: number;
  costNanoUsd: NanoUsd;
}

/** Port: takes what it is told and returns at once; delivery is the adapter's promise. */
export interface UsageSink {
  /**
   * Before a call goes to an upstream, and again before it goes to another one. `begun` is called, at once or after this
   * turn of the event loop and in any case, when the adapter has the intent as safe as it can. Each call that began is
   * recorded in the end.
   */
  begin(intent: UsageIntent, begun: () => void): void;
  /** `kept` is called as `begun` is, when the adapter has the record as safe as it can at once. */
  record(event: UsageRecordedV1, kept?: () => void): void;
}

/** What a message of the usage stream (UsageBatchV1) holds. One record that cannot be billed does not spoil the others. */
export interface UsageBatchReading {
  events: UsageRecordedV1[];
  faults: UsageBatchFault[];
}

export interface UsageBatchFault {
  /** Place in the batch, from 0; absent: nothing of the batch can be read. */
  index?: number;
  /** The first fault found, with its path: `events[3].usage.inputTokens is not a whole number from 0`. */
  fault: string;
  /** The faulty record, as JSON; absent with `index`. */
  record?: string;
}

/** Never throws: senders of other releases, and anybody who reaches the bus, write to the stream. */
export function parseUsageBatch(payload: Uint8Array): UsageBatchReading {
  const records = readRecords(payload, 'events');
  if (typeof records === 'string') return { events: [], faults: [{ fault: records }] };
  const reading: UsageBatchReading = { events: [], faults: [] };
  records.forEach((record, index) => {
    const fault = faultOf(record);
    if (fault === undefined) reading.events.push(record as UsageRecordedV1);
    else reading.faults.push({ index, fault: `events[${index}]${fault}`, record: JSON.stringify(record) });
  });
  return reading;
}

const PRICE_VERSION_LENGTH_MAX = 64;
const PRICE_VERSION: FieldKind = {
  name: `a text of 1 to ${PRICE_VERSION_LENGTH_MAX} characters`,
  accepts: (value) => ID.accepts(value) && (value as string).length <= PRICE_VERSION_LENGTH_MAX,
};
const TEXTS: FieldKind = {
  name: 'an object of texts',
  accepts: (value) => isObject(value) && Object.values(value).every(TEXT.accepts),
};
const LOSSES: FieldKind = { name: 'an array', accepts: Array.isArray };

const RECORD_FIELDS: Fields = Object.entries<FieldKind>({
  requestId: ID,
  tenantId: ID,
  keyId: ID,
  requestedModel: TEXT,
  model: ID,
  upstream: ID,
  // Any text: an edge of the next release may speak a dialect this one has not heard of, and is billed all the same.
  clientDialect: ID,
  upstreamDialect: ID,
  stream: FLAG,
  usage: OBJECT,
  costNanoUsd: COUNT,
  // Absent: of an edge of an earlier release.
  priceVersion: optional(PRICE_VERSION),
  accuracy: ACCURACY,
  startedAtMs: COUNT,
  firstTokenMs: optional(MILLISECONDS),
  latencyMs: MILLISECONDS,
  attempts: COUNT,
  finish: TEXT,
  status: COUNT,
  losses: LOSSES,
  endUser: optional(TEXT),
  clientMetadata: optional(TEXTS),
  clientRequestId: optional(TEXT),
  // Read where it is used: whatever is wrong with it, the call is billed.
  traceparent: ANYTHING,
} satisfies Record<keyof UsageRecordedV1, FieldKind>);

const LOSS_FIELDS: Fields = Object.entries<FieldKind>({ feature: TEXT, path: TEXT } satisfies Record<
  keyof Loss,
  FieldKind
>);

/** Undefined: none. Else the path below the record, and what is wrong there. */
function faultOf(record: unknown): string | undefined {
  if (!isObject(record)) return ' is not an object';
  const fault = fieldFault(record, RECORD_FIELDS) ?? fieldFault(record['usage'] as object, USAGE_FIELDS, '.usage');
  if (fault !== undefined) return fault;
  const losses = record['losses'] as unknown[];
  for (const [index, loss] of losses.entries()) {
    if (!isObject(loss)) return `.losses[${index}] is not an object`;
    const lossFault = fieldFault(loss, LOSS_FIELDS, `.losses[${index}]`);
    if (lossFault !== undefined) return lossFault;
  }
  return undefined;
}
