import { idTail, partBytes, type Answer, type Part } from '../answer';
import { FrameList, pieces, type Frame } from '../frames';
import { isObject, type JsonObject } from '../json';
import type { Scenario } from '../scenario';
import type { TokenUsage } from '../tokens';
import { sealThinking, signThinking } from './signature';
import { sse } from './sse';

export interface ReplyContext {
  model: string;
  scenario: Scenario;
  seed: string;
  /** `thinking.display: omitted`: the thinking block comes signed but empty. */
  thinkingOmitted: boolean;
}

const STOP_REASONS: Readonly<Record<Answer['stop'], string>> = {
  end: 'end_turn',
  calls: 'tool_use',
  'max-tokens': 'max_tokens',
  'stop-sequence': 'stop_sequence',
};

/** The message of a reply that is not streamed. */
export function messageBody(answer: Answer, context: ReplyContext): Buffer {
  const parts = shown(answer.parts, context);
  const message = {
    ...emptyMessage(context),
    content: parts.map(block),
    ...stopFields(answer, context.scenario),
    ...(context.scenario.noUsage
      ? {}
      : { usage: { ...fullUsage(answer.usage, answer.usage.output), ...reasoningDetails(answer.usage) } }),
  };
  return Buffer.from(JSON.stringify(message));
}

/** The same reply as the events of a stream. */
export function messageFrames(answer: Answer, context: ReplyContext): Frame[] {
  const { noUsage } = context.scenario;
  const { usage } = answer;
  const frames = new FrameList();
  const opening = noUsage ? {} : { usage: fullUsage(usage, Math.min(1, usage.output)) };
  frames.add(sse('message_start', { type: 'message_start', message: { ...emptyMessage(context), ...opening } }), false);
  shown(answer.parts, context).forEach((part, index) => addBlock(frames, part, index, context.scenario));
  const closing = noUsage ? {} : { usage: closingUsage(usage) };
  const delta = { type: 'message_delta', delta: stopFields(answer, context.scenario), ...closing };
  frames.add(sse('message_delta', delta), false);
  frames.add(sse('message_stop', { type: 'message_stop' }), false);
  return frames.build(usage.output);
}

function emptyMessage({ model, seed }: ReplyContext): JsonObject {
  return {
    model,
    id: `msg_sim${idTail(seed, 'message')}`,
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function shown(parts: Part[], { thinkingOmitted }: ReplyContext): Part[] {
  if (!thinkingOmitted) return parts;
  return parts.map((part) => (part.kind === 'thinking' && !part.redacted ? { ...part, text: '' } : part));
}

function block(part: Part): JsonObject {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'thinking':
      if (part.redacted) return { type: 'redacted_thinking', data: sealThinking(part.text) };
      return { type: 'thinking', thinking: part.text, signature: signThinking(part.text) };
    case 'call':
      return { ...callStart(part), input: parsedInput(part.arguments) };
  }
}

function callStart(part: Part & { kind: 'call' }): JsonObject {
  return { type: 'tool_use', id: `toolu_sim${part.id}`, name: part.name, input: {}, caller: { type: 'direct' } };
}

/** Arguments cut off by `max_tokens` do not parse; the API shows no half objects. */
function parsedInput(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function addBlock(frames: FrameList, part: Part, index: number, scenario: Scenario): void {
  const weight = partBytes(part);
  const whole = part.kind === 'thinking' && part.redacted;
  const start = { type: 'content_block_start', index, content_block: startBlock(part) };
  const startWeight = part.kind === 'call' ? Buffer.byteLength(part.name) : whole ? weight : 0;
  frames.add(sse('content_block_start', start), whole, startWeight);
  if (index === 0) frames.add(sse('ping', { type: 'ping' }), false);
  const add = (delta: JsonObject, deltaWeight: number): void =>
    frames.add(sse('content_block_delta', { type: 'content_block_delta', index, delta }), true, deltaWeight);
  if (part.kind === 'call') add({ type: 'input_json_delta', partial_json: '' }, 0);
  for (const piece of whole ? [] : pieces(part, scenario)) add(deltaOf(part, piece), Buffer.byteLength(piece));
  if (part.kind === 'thinking' && !whole) add({ type: 'signature_delta', signature: signThinking(part.text) }, 0);
  frames.add(sse('content_block_stop', { type: 'content_block_stop', index }), false);
}

function startBlock(part: Part): JsonObject {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: '' };
    case 'thinking':
      return part.redacted ? block(part) : { type: 'thinking', thinking: '', signature: '' };
    case 'call':
      return callStart(part);
  }
}

function deltaOf(part: Part, piece: string): JsonObject {
  switch (part.kind) {
    case 'text':
      return { type: 'text_delta', text: piece };
    case 'thinking':
      return { type: 'thinking_delta', thinking: piece };
    case 'call':
      return { type: 'input_json_delta', partial_json: piece };
  }
}

function stopFields(answer: Answer, scenario: Scenario): JsonObject {
  const forced = scenario.stop ?? (scenario.stopSequence === undefined ? undefined : 'stop_sequence');
  const reason = forced ?? STOP_REASONS[answer.stop];
  const details = { type: 'refusal', category: null, explanation: 'Simulated refusal' };
  return {
    stop_reason: reason,
    stop_sequence: reason === 'stop_sequence' ? (scenario.stopSequence ?? answer.stopSequence ?? null) : null,
    ...(reason === 'refusal' ? { stop_details: details } : {}),
  };
}

function fullUsage(usage: TokenUsage, outputTokens: number): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5m,
      ephemeral_1h_input_tokens: usage.cacheWrite1h,
    },
    output_tokens: outputTokens,
    service_tier: 'standard',
  };
}

function closingUsage(usage: TokenUsage): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    output_tokens: usage.output,
    ...reasoningDetails(usage),
  };
}

function reasoningDetails({ reasoning }: TokenUsage): JsonObject {
  return reasoning === 0 ? {} : { output_tokens_details: { thinking_tokens: reasoning } };
}
