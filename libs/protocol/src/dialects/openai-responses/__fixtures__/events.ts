import type { JsonObject, JsonValue } from '../../../json';
import { formatSseEvent } from '../../../sse/encoder';

export const USAGE: JsonObject = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};

/** The same in neutral words. */
export const SPENT = {
  inputTokens: 30,
  cacheReadTokens: 60,
  cacheWrite5mTokens: 10,
  cacheWrite1hTokens: 0,
  outputTokens: 20,
  reasoningTokens: 5,
};

export function responseOf(members: JsonObject = {}): JsonObject {
  return {
    ...{ id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'gpt-up', error: null },
    ...{ incomplete_details: null, output: [], usage: USAGE },
    ...members,
  };
}

export const MESSAGE: JsonObject = {
  ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
  content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
};
export const REASONING: JsonObject = {
  ...{ type: 'reasoning', id: 'rs_1', encrypted_content: 'gAAA' },
  summary: [
    { type: 'summary_text', text: 'First.' },
    { type: 'summary_text', text: 'Then.' },
  ],
};
export const CALL: JsonObject = {
  ...{ type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'read', status: 'completed' },
  arguments: '{"path":"a"}',
};

/** One event as servers write it; every one is given the same number, which nothing here reads. */
export function event(type: string, members: JsonObject = {}): string {
  return formatSseEvent(type, JSON.stringify({ type, sequence_number: 7, ...members }));
}

export const CREATED = event('response.created', { response: responseOf({ status: 'in_progress', usage: null }) });

export function completed(output: JsonValue[], members: JsonObject = {}): string {
  return event('response.completed', { response: responseOf({ output, ...members }) });
}

export function added(item: JsonObject, outputIndex = 0): string {
  return event('response.output_item.added', { output_index: outputIndex, item });
}

export function done(item: JsonObject, outputIndex = 0): string {
  return event('response.output_item.done', { output_index: outputIndex, item });
}

export function partAdded(outputIndex = 0, index = 0): string {
  const part = { type: 'output_text', text: '', annotations: [] };
  return event('response.content_part.added', {
    item_id: 'msg_1',
    output_index: outputIndex,
    content_index: index,
    part,
  });
}

export function textDelta(delta: string, outputIndex = 0, index = 0): string {
  const place = { item_id: 'msg_1', output_index: outputIndex, content_index: index };
  return event('response.output_text.delta', { ...place, delta, logprobs: [], obfuscation: 'aXbY"z' });
}

export function argumentsDelta(delta: string, outputIndex = 0): string {
  return event('response.function_call_arguments.delta', { item_id: 'fc_1', output_index: outputIndex, delta });
}

export function thinkingDelta(delta: string, summaryIndex = 0, outputIndex = 0): string {
  const place = { item_id: 'rs_1', output_index: outputIndex, summary_index: summaryIndex };
  return event('response.reasoning_summary_text.delta', { ...place, delta });
}

/** A whole reply as the API streams it: thinking, a text, a call. */
export const WHOLE_STREAM = [
  CREATED,
  event('response.in_progress', { response: responseOf({ status: 'in_progress', usage: null }) }),
  added({ type: 'reasoning', id: 'rs_1', summary: [] }),
  event('response.reasoning_summary_part.added', {
    ...{ item_id: 'rs_1', output_index: 0, summary_index: 0 },
    part: { type: 'summary_text', text: '' },
  }),
  thinkingDelta('First.'),
  thinkingDelta('Then.', 1),
  done(REASONING),
  added({ ...MESSAGE, status: 'in_progress', content: [] }, 1),
  partAdded(1),
  textDelta('Hel', 1),
  textDelta('lo', 1),
  event('response.content_part.done', { output_index: 1, content_index: 0, part: (MESSAGE.content as [JsonObject])[0] }),
  done(MESSAGE, 1),
  added({ ...CALL, arguments: '', status: 'in_progress' }, 2),
  argumentsDelta('{"path"', 2),
  argumentsDelta(':"a"}', 2),
  event('response.function_call_arguments.done', { output_index: 2, arguments: CALL.arguments ?? null }),
  done(CALL, 2),
  completed([REASONING, MESSAGE, CALL]),
].join('');
