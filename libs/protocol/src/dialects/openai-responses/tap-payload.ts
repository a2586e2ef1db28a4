import type { TapContext } from '../../dialect';
import { isJsonObject, type JsonValue } from '../../json';
import { editOf, readJsonString, readJsonValue, type ByteEdit, type JsonSpan } from '../../json-span';
import { jsonOfName } from '../../json-text';
import type { Usage } from '../../usage';
import { decodeStatus, type StatusEvidence } from './map-status';
import type { StreamFailure } from '../../stream-event';
import { decodeUsage } from './usage';

const LOWER_N = 110;

/** Where the members of a response stand that tell its end. */
export interface EndSpans {
  status: JsonSpan | undefined;
  incompleteDetails: JsonSpan | undefined;
  error: JsonSpan | undefined;
}

/** Usage as the upstream told it, and the edit that shows its cost to the client. */
export function readUsage(
  bytes: Buffer,
  span: JsonSpan | undefined,
  { costUsd }: TapContext,
): { usage: Usage | undefined; edit: ByteEdit | undefined } {
  const value = span && readJsonValue(bytes, span);
  const usage = decodeUsage(value);
  if (!span || !usage || !costUsd || !isJsonObject(value)) return { usage, edit: undefined };
  return { usage, edit: editOf(span, JSON.stringify({ ...value, cost_usd: costUsd(usage) })) };
}

export function modelEdit(bytes: Buffer, span: JsonSpan | undefined, model: string): ByteEdit | undefined {
  if (!span || readJsonString(bytes, span) === model) return undefined;
  return editOf(span, jsonOfName(model));
}

export type Ended = { finish: string; failure?: undefined } | { finish?: undefined; failure: StreamFailure };

/** How a response ended: the neutral reason, or a word of the dialect that is none (yet). */
export function readEnd(
  bytes: Buffer,
  spans: EndSpans,
  evidence: StatusEvidence,
  status = spans.status && readJsonString(bytes, spans.status),
): Ended {
  const outcome = decodeStatus(
    {
      ...(status !== undefined && { status }),
      error: valueAt(bytes, spans.error),
      incomplete_details: valueAt(bytes, spans.incompleteDetails),
    },
    evidence,
  );
  return outcome.ok ? { finish: outcome.unknown ?? outcome.reason } : { failure: outcome.failure };
}

export function valueAt(bytes: Buffer, span: JsonSpan | undefined): JsonValue {
  return (span && readJsonValue(bytes, span)) ?? null;
}

export function isFilled(bytes: Buffer, span: JsonSpan | undefined): span is JsonSpan {
  return span !== undefined && bytes[span.start] !== LOWER_N;
}
