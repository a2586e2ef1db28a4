import { randomUUID } from 'node:crypto';
import { formatTraceparent, type TraceContext, type UsageRecordedV1 } from '@switchboard/contracts';
import type { UsageBuffer } from './usage-buffer';
import { encodeUsage } from './usage-json';

export const BATCH_RECORDS_MAX = 200;
const BATCH_BYTES_MAX = 256 * 1024;
const [OPENING, COMMA, CLOSING] = [Buffer.from('{"events":['), 44, Buffer.from(']}')] as const;
/** Shortened, a record has some 500 KB at the very worst: a message of the bus may have 1 MB. */
const SHORTENED = { losses: 200, lossText: 200, text: 1_000 };

/** A record that waits, and its JSON where the spool has it already. */
export interface HeldUsage {
  record: UsageRecordedV1;
  json: Buffer | undefined;
}

/** A span that is begun for one call of a message. */
export interface SentTrace {
  parent: TraceContext;
  spanId: string;
}

/** A message of the usage stream: UsageBatchV1. */
export interface UsageMessage {
  records: readonly HeldUsage[];
  payload: Uint8Array;
  /** The stream takes what comes again under the same one once. */
  dedupeId: string;
  /** Of its calls, those whose traces are kept. */
  traces: readonly SentTrace[];
}

/**
 * Takes what makes the next message: up to 200 records and 256 KiB, and at least one. `traceOf`: where what is traced goes
 * on; absent: as it says itself.
 */
export function takeMessage(
  buffer: UsageBuffer<HeldUsage>,
  traceOf?: (traceparent: string) => SentTrace | undefined,
): UsageMessage {
  const encoded: Buffer[] = [];
  const traces: SentTrace[] = [];
  let bytes = 0;
  const records = buffer.take(BATCH_RECORDS_MAX, ({ record, json: written }) => {
    const trace = record.traceparent === undefined ? undefined : traceOf?.(record.traceparent);
    const json = trace === undefined ? (written ?? encodeRecord(record)) : encodeRecord(below(record, trace));
    if (bytes + json.length + 1 > BATCH_BYTES_MAX && encoded.length > 0) return false;
    bytes += json.length + 1;
    encoded.push(json);
    if (trace !== undefined) traces.push(trace);
    return true;
  });
  return { records, payload: payloadOf(encoded, bytes), dedupeId: randomUUID(), traces };
}

/** `bytes`: of the records, and of what stands behind each. */
function payloadOf(records: readonly Buffer[], bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(OPENING.length + bytes + CLOSING.length);
  payload.set(OPENING);
  let at = OPENING.length;
  for (const json of records) {
    payload.set(json, at);
    at += json.length;
    payload[at++] = COMMA;
  }
  // In the place of the last comma.
  payload.set(CLOSING, at - 1);
  return payload.subarray(0, at - 1 + CLOSING.length);
}

function below(record: UsageRecordedV1, { parent, spanId }: SentTrace): UsageRecordedV1 {
  return { ...record, traceparent: formatTraceparent({ ...parent, spanId }) };
}

/**
 * A client that sends thousands of fields the upstream's dialect lacks makes a record of thousands of losses. It must not
 * outgrow a message, or it could never be billed: then the first losses stand for all, and the last says how many went.
 */
export function encodeRecord(record: UsageRecordedV1): Buffer {
  const json = encodeUsage(record);
  if (json.length <= BATCH_BYTES_MAX) return json;
  const { losses, lossText, text } = SHORTENED;
  const shown = record.losses.slice(0, losses).map(({ feature, path }) => ({
    feature: feature.slice(0, lossText),
    path: path.slice(0, lossText),
  }));
  const left = record.losses.length - shown.length;
  return encodeUsage({
    ...record,
    requestedModel: record.requestedModel.slice(0, text),
    finish: record.finish.slice(0, text),
    endUser: record.endUser?.slice(0, text),
    clientMetadata: undefined,
    clientRequestId: record.clientRequestId?.slice(0, text),
    losses: left > 0 ? [...shown, { feature: 'record.shortened', path: `${left} more` }] : shown,
  });
}
