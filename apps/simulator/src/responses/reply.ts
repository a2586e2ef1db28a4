import { idTail, type Answer, type Part } from '../answer';
import type { JsonObject } from '../json';
import type { Scenario } from '../scenario';
import type { TokenUsage } from '../tokens';
import { seal } from './sealed';

export interface ReplyContext {
  model: string;
  scenario: Scenario;
  seed: string;
  /** Most of it is told back. */
  request: JsonObject;
  /** The input ended in `compaction_trigger`: the text comes as the one compaction item. */
  compacting: boolean;
  summaryShown: boolean;
  encryptedShown: boolean;
}

/** How an item stands while it is being said, and at its end. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** Fixed, so that the same request gets the same bytes: 2026-01-01T00:00:00Z. */
const CREATED = 1_767_225_600;

/** Members of a response that are the request's, and what they are where it does not say. */
const TOLD_BACK: JsonObject = {
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  store: true,
  temperature: 1,
  text: { format: { type: 'text' }, verbosity: 'medium' },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
};

/** The response that is not streamed. */
export function responseBody(answer: Answer, context: ReplyContext): Buffer {
  return Buffer.from(JSON.stringify(endedResponse(answer, context)));
}

export function endedResponse(answer: Answer, context: ReplyContext): JsonObject {
  const reason = incompleteReason(answer, context.scenario);
  const status = reason === undefined ? 'completed' : 'incomplete';
  return {
    ...response(context, status),
    ...(reason === undefined ? { completed_at: CREATED } : { incomplete_details: { reason } }),
    output: answer.parts.map((part, at) => item(part, at, context, itemStatus(answer, at, context))),
    usage: context.scenario.noUsage ? null : usageJson(answer.usage),
  };
}

export function response(context: ReplyContext, status: string): JsonObject {
  const { model, seed, request } = context;
  const told: JsonObject = {};
  for (const name in TOLD_BACK) told[name] = request[name] ?? TOLD_BACK[name];
  return {
    id: `resp_sim${idTail(seed, 'response')}`,
    object: 'response',
    created_at: CREATED,
    completed_at: null,
    status,
    error: null,
    incomplete_details: null,
    model,
    output: [],
    ...told,
    service_tier: status === 'in_progress' ? 'auto' : 'default',
    usage: null,
  };
}

/** Only the last item is cut off. */
export function itemStatus(answer: Answer, at: number, { scenario }: ReplyContext): ItemStatus {
  const last = at === answer.parts.length - 1;
  return last && incompleteReason(answer, scenario) !== undefined ? 'incomplete' : 'completed';
}

/** One output item; `in_progress`: before anything of it is said. */
export function item(part: Part, at: number, context: ReplyContext, status: ItemStatus): JsonObject {
  const { seed, compacting } = context;
  const begun = status === 'in_progress';
  if (part.kind === 'thinking') return reasoningItem(part, at, context, begun);
  if (part.kind === 'call') return callItem(part, at, context, status);
  if (compacting) return { id: itemId('cmp', seed, at), type: 'compaction', encrypted_content: seal(part.text) };
  const content = begun ? [] : [contentPart(part.text, context.scenario)];
  return { id: itemId('msg', seed, at), type: 'message', status, content, role: 'assistant' };
}

/** A refusal is a part of its own kind. */
export function contentPart(text: string, { stop }: Scenario): JsonObject {
  return stop === 'refusal'
    ? { type: 'refusal', refusal: text }
    : { type: 'output_text', annotations: [], logprobs: [], text };
}

function reasoningItem(
  part: Part & { kind: 'thinking' },
  at: number,
  { seed, summaryShown, encryptedShown }: ReplyContext,
  begun: boolean,
): JsonObject {
  return {
    id: itemId('rs', seed, at),
    type: 'reasoning',
    // What is encrypted grows while the model thinks: only the finished item has the whole of it.
    ...(encryptedShown ? { encrypted_content: seal(begun ? '' : part.text) } : {}),
    summary: summaryShown && !begun ? [{ type: 'summary_text', text: part.text }] : [],
  };
}

function callItem(part: Part & { kind: 'call' }, at: number, { seed }: ReplyContext, status: ItemStatus): JsonObject {
  const { tool, name } = part;
  const said = status === 'in_progress' ? '' : part.arguments;
  const call_id = `call_sim${part.id}`;
  const namespace = tool.namespace === undefined ? {} : { namespace: tool.namespace };
  if (tool.search === true) {
    const found = { execution: 'client', arguments: parsed(said) };
    return { id: itemId('tsc', seed, at), type: 'tool_search_call', status, call_id, ...found };
  }
  if (part.freeForm) {
    return { id: itemId('ctc', seed, at), type: 'custom_tool_call', status, call_id, input: said, name, ...namespace };
  }
  return { id: itemId('fc', seed, at), type: 'function_call', status, arguments: said, call_id, name, ...namespace };
}

/** Arguments cut off by `max_output_tokens` do not parse. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

function itemId(prefix: string, seed: string, at: number): string {
  return `${prefix}_sim${idTail(seed, `item${at}`)}`;
}

function incompleteReason(answer: Answer, { stop }: Scenario): string | undefined {
  if (stop === 'content_filter' || stop === 'max_output_tokens') return stop;
  return stop === undefined && answer.stop === 'max-tokens' ? 'max_output_tokens' : undefined;
}

function usageJson(usage: TokenUsage): JsonObject {
  const written = usage.cacheWrite5m + usage.cacheWrite1h;
  const input = usage.input + usage.cacheRead + written;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: written },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + usage.output,
  };
}
