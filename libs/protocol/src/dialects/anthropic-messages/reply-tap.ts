import type { TapContext, TappedReply } from '../../dialect';
import { isJsonObject } from '../../json';
import { JsonScanner } from '../../json-scan';
import { editOf, readJsonString, readJsonValue, spliceBytes } from '../../json-span';
import { jsonOfName } from '../../json-text';
import type { StreamFailure } from '../../stream-event';
import { decodeStreamError } from './errors';
import { decodeStopReason } from './map-stop-reason';
import { mergeUsage } from './usage';

const scanner = new JsonScanner(['model', 'content', 'usage', 'stop_reason']);
const OPEN_BRACKET = 91;

/** The upstream's message, its model name replaced, nothing else touched. */
export function tapReply(body: Buffer, { model }: TapContext): TappedReply {
  const scan = scanner.scan(body);
  if (!scan.ok)
    return failed(body, { kind: 'malformed', message: 'The upstream sent a reply that is not a JSON object' });
  const { spans } = scan;
  if (spans.content === undefined || body[spans.content.start] !== OPEN_BRACKET) {
    return failed(
      body,
      readFailure(body) ?? { kind: 'malformed', message: 'The upstream sent a reply without content' },
    );
  }
  const usage = spans.usage && readJsonValue(body, spans.usage);
  const reason = spans.stop_reason && readJsonString(body, spans.stop_reason);
  const same = spans.model === undefined || readJsonString(body, spans.model) === model;
  return {
    body: same || spans.model === undefined ? body : spliceBytes(body, [editOf(spans.model, jsonOfName(model))]),
    usage: isJsonObject(usage) ? mergeUsage(undefined, usage) : undefined,
    finish: reason && (decodeStopReason(reason) ?? reason),
    failure: undefined,
  };
}

/** An error with the status of a reply. */
function readFailure(body: Buffer): StreamFailure | undefined {
  const value = readJsonValue(body, { start: 0, end: body.length });
  return isJsonObject(value) && value['type'] === 'error' ? decodeStreamError(value) : undefined;
}

function failed(body: Buffer, failure: StreamFailure): TappedReply {
  return { body, usage: undefined, finish: undefined, failure };
}
