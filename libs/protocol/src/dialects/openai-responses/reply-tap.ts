import type { TapContext, TappedReply } from '../../dialect';
import { JsonScanner, DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { readJsonString, spliceBytes, type ByteEdit, type JsonSpan } from '../../json-span';
import { JsonWalker } from '../../json-walker';
import type { StreamFailure } from '../../stream-event';
import { decodeFailure } from './decode-failure';
import { isFilled, modelEdit, readEnd, readUsage, valueAt } from './tap-payload';

const SCANNER = new JsonScanner(['model', 'output', 'usage', 'status', 'incomplete_details', 'error']);
const ITEM_SCANNER = new JsonScanner(['type', 'execution']);
const walker = new JsonWalker(DEFAULT_MAX_JSON_DEPTH);
const COMMA = 44;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

/** The upstream's response, its model name replaced and its cost shown, nothing else touched. */
export function tapReply(body: Buffer, context: TapContext): TappedReply {
  const scan = SCANNER.scan(body);
  if (!scan.ok) return failed(body, malformed('The upstream sent a reply that is not a JSON object.'));
  const { model, output, status, error, usage: usageSpan, incomplete_details: incompleteDetails } = scan.spans;
  if (isFilled(body, error)) return failed(body, decodeFailure({ error: valueAt(body, error) }));
  if (!output || body[output.start] !== OPEN_BRACKET) {
    return failed(body, malformed('The upstream sent a response without output.'));
  }
  const spans = { status, incompleteDetails, error };
  const evidence = { hasToolCalls: hasToolCalls(body, output), hasRefusal: false };
  const { finish, failure } = readEnd(body, spans, evidence);
  if (failure) return failed(body, failure);
  const { usage, edit } = readUsage(body, usageSpan, context);
  const edits = [modelEdit(body, model, context.model), edit].filter((known): known is ByteEdit => known !== undefined);
  edits.sort((left, right) => left.start - right.start);
  return { body: spliceBytes(body, edits), usage, finish, failure: undefined };
}

/** Walks over the items, whose structure was checked before, and reads their types alone. */
function hasToolCalls(body: Buffer, { start, end }: JsonSpan): boolean {
  walker.open(body, end);
  let found = false;
  for (let position = walker.skipSpace(start + 1); position < end && body[position] !== CLOSE_BRACKET;) {
    const itemEnd = walker.skipValue(position, 1);
    if (itemEnd === -1) break;
    found ||= isToolCall(body, { start: position, end: itemEnd });
    position = walker.skipSpace(itemEnd);
    if (body[position] === COMMA) position = walker.skipSpace(position + 1);
  }
  walker.close();
  return found;
}

function isToolCall(body: Buffer, { start, end }: JsonSpan): boolean {
  const scan = ITEM_SCANNER.scan(body, start, end);
  if (!scan.ok || !scan.spans.type) return false;
  const type = readJsonString(body, scan.spans.type);
  if (type === 'function_call' || type === 'custom_tool_call') return true;
  const { execution } = scan.spans;
  return type === 'tool_search_call' && execution !== undefined && readJsonString(body, execution) === 'client';
}

function malformed(message: string): StreamFailure {
  return { kind: 'malformed', message };
}

function failed(body: Buffer, failure: StreamFailure): TappedReply {
  return { body, usage: undefined, finish: undefined, failure };
}
