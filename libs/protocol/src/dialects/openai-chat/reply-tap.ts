import type { TapContext, TappedReply } from '../../dialect';
import { isJsonObject } from '../../json';
import { editOf, readJsonValue, spliceBytes, type ByteEdit } from '../../json-span';
import { jsonOfName } from '../../json-text';
import { FRAME_SCANNER, isEmptyArray, isNull, readChoices } from './frame-scan';
import { failedFinish } from './map-finish-reason';
import { repairReply } from './reply-repair';
import { costEdit, isSame, neutralFinish, readFailure } from './tap-payload';
import { decodeUsage } from './usage';

/** A whole reply's text is not counted: its usage says how long it is. */
const NO_TEXTS: readonly Buffer[] = [];

/** ChatStreamTap for a whole reply. A body that is none, or holds an error, comes back as it is, with a failure. */
export function tapReply(body: Buffer, context: TapContext): TappedReply {
  const scan = FRAME_SCANNER.scan(body);
  const { model, usage: usageSpan, choices, error } = scan.ok ? scan.spans : {};
  const isReply = choices && !isNull(body, choices) && !isEmptyArray(body, choices);
  if (!isReply || (error && !isNull(body, error))) {
    const reported = scan.ok ? readFailure(body, { start: 0, end: body.length }) : undefined;
    return failed(body, reported ?? { kind: 'malformed', message: 'The upstream sent something that is not a reply.' });
  }
  const reading = readChoices(body, choices, undefined, NO_TEXTS);
  const { finishReason } = reading;
  const message = finishReason && failedFinish(finishReason);
  if (message) return failed(body, { kind: 'upstream', message });
  const edits: ByteEdit[] = [];
  const modelName = jsonOfName(context.model);
  if (model && !isSame(body, model, modelName)) edits.push(editOf(model, modelName));
  const value = usageSpan && readJsonValue(body, usageSpan);
  const usage = decodeUsage(value);
  const cost = usageSpan && usage && costEdit(value, usage, usageSpan, context);
  if (cost) edits.push(cost);
  if (context.repair === true && (reading.hasCalls || (finishReason !== 'stop' && finishReason !== 'length'))) {
    const whole = readJsonValue(body, { start: 0, end: body.length });
    const repaired = isJsonObject(whole) && repairReply(whole);
    if (repaired) edits.push(editOf(choices, JSON.stringify(repaired)));
  }
  if (edits.length > 1) edits.sort((left, right) => left.start - right.start);
  const finish = neutralFinish(finishReason, reading.hasCalls);
  return { body: spliceBytes(body, edits), usage, finish, failure: undefined };
}

function failed(body: Buffer, failure: NonNullable<TappedReply['failure']>): TappedReply {
  return { body, usage: undefined, finish: undefined, failure };
}
