import { idTail, type Answer, type Part } from '../answer';
import { FrameList, pieces, type Frame } from '../frames';
import type { JsonObject } from '../json';
import type { Scenario } from '../scenario';
import type { TokenUsage } from '../tokens';

export interface ReplyContext {
  model: string;
  scenario: Scenario;
  seed: string;
  /** Stream only: the client asked for the usage chunk. */
  includeUsage: boolean;
  reasoningShown: boolean;
}

type CallPart = Part & { kind: 'call' };
type Emit = (delta: JsonObject, chunk: boolean, weight: number) => void;

/** Fixed, so that the same request gets the same bytes: 2026-01-01T00:00:00Z. */
export const CREATED = 1_767_225_600;

const FINISH_REASONS: Readonly<Record<Answer['stop'], string>> = {
  end: 'stop',
  calls: 'tool_calls',
  'max-tokens': 'length',
  'stop-sequence': 'stop',
};

/** The completion of a reply that is not streamed; one choice per answer. */
export function completionBody(answers: Answer[], context: ReplyContext): Buffer {
  const choices = answers.map((answer, index) => ({
    index,
    message: message(answer, context),
    logprobs: null,
    finish_reason: finishReason(answer, context.scenario),
  }));
  const usage = context.scenario.noUsage ? {} : { usage: usageJson(totalUsage(answers)) };
  const whole = { ...envelope('chat.completion', context), choices, ...usage, service_tier: 'default' };
  return Buffer.from(JSON.stringify({ ...whole, system_fingerprint: 'fp_simulator' }));
}

/** The same reply as the chunks of a stream, with `[DONE]`. */
export function completionFrames(answers: Answer[], context: ReplyContext): Frame[] {
  const usage = totalUsage(answers);
  const withUsage = context.includeUsage && !context.scenario.noUsage;
  const frames = new FrameList();
  const head = {
    ...envelope('chat.completion.chunk', context),
    service_tier: 'default',
    system_fingerprint: 'fp_simulator',
  };
  const add = (choices: JsonObject[], chunk: boolean, weight: number, figures: JsonObject | null = null): void =>
    frames.add(
      `data: ${JSON.stringify({ ...head, choices, ...(withUsage ? { usage: figures } : {}) })}\n\n`,
      chunk,
      weight,
    );
  answers.forEach((answer, index) => {
    const emit: Emit = (delta, chunk, weight) =>
      add([{ index, delta, logprobs: null, finish_reason: null }], chunk, weight);
    addDeltas(answer, context, emit);
    const finish_reason = finishReason(answer, context.scenario);
    add([{ index, delta: {}, logprobs: null, finish_reason }], false, 0);
  });
  if (withUsage) add([], false, 0, usageJson(usage));
  frames.add('data: [DONE]\n\n', false);
  return frames.build(usage.output);
}

/** Usage over all choices: input is counted once. */
export function totalUsage(answers: Answer[]): TokenUsage {
  const [first, ...rest] = answers.map((answer) => answer.usage);
  if (!first) throw new Error('A completion has at least one choice');
  return rest.reduce(
    (sum, usage) => ({ ...sum, output: sum.output + usage.output, reasoning: sum.reasoning + usage.reasoning }),
    first,
  );
}

function envelope(object: string, { model, seed }: ReplyContext): JsonObject {
  return { id: `chatcmpl-sim${idTail(seed, 'completion')}`, object, created: CREATED, model };
}

function callsOf(answer: Answer): CallPart[] {
  return answer.parts.filter((part) => part.kind === 'call');
}

function message(answer: Answer, { scenario, reasoningShown }: ReplyContext): JsonObject {
  const text = answer.parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('');
  const thoughts = answer.parts.flatMap((part) => (part.kind === 'thinking' ? [part.text] : [])).join('');
  const calls = callsOf(answer);
  const refused = scenario.stop === 'refusal';
  return {
    role: 'assistant',
    content: refused || (text === '' && calls.length > 0) ? null : text,
    ...(reasoningShown && thoughts !== '' ? { reasoning_content: thoughts } : {}),
    ...(calls.length > 0 ? { tool_calls: calls.map((call) => callJson(call, call.arguments)) } : {}),
    refusal: refused ? text : null,
    annotations: [],
  };
}

function addDeltas(answer: Answer, { scenario, reasoningShown }: ReplyContext, emit: Emit): void {
  const calls = callsOf(answer);
  const refused = scenario.stop === 'refusal';
  const contentless = refused || (calls.length > 0 && !answer.parts.some((part) => part.kind === 'text'));
  emit({ role: 'assistant', content: contentless ? null : '', refusal: refused ? '' : null }, false, 0);
  for (const part of answer.parts) {
    if (part.kind === 'call' || (part.kind === 'thinking' && !reasoningShown)) continue;
    const key = part.kind === 'thinking' ? 'reasoning_content' : refused ? 'refusal' : 'content';
    for (const piece of pieces(part, scenario)) emit({ [key]: piece }, true, Buffer.byteLength(piece));
  }
  addCalls(calls, scenario, emit);
}

function addCalls(calls: CallPart[], scenario: Scenario, emit: Emit): void {
  const opened = (call: CallPart, index: number): void =>
    emit({ tool_calls: [{ index, ...callJson(call, '') }] }, true, Buffer.byteLength(call.name));
  const grown = (call: CallPart, index: number, piece: string): void => {
    const growth = call.freeForm ? { custom: { input: piece } } : { function: { arguments: piece } };
    emit({ tool_calls: [{ index, ...growth }] }, true, Buffer.byteLength(piece));
  };
  if (!scenario.interleave) {
    calls.forEach((call, index) => {
      opened(call, index);
      for (const piece of pieces(call, scenario)) grown(call, index, piece);
    });
    return;
  }
  calls.forEach(opened);
  const queues = calls.map((call) => pieces(call, scenario));
  const rounds = Math.max(0, ...queues.map((queue) => queue.length));
  for (let round = 0; round < rounds; round += 1) {
    calls.forEach((call, index) => {
      const piece = queues[index]?.[round];
      if (piece !== undefined) grown(call, index, piece);
    });
  }
}

function callJson(call: CallPart, payload: string): JsonObject {
  const id = `call_sim${call.id}`;
  if (call.freeForm) return { id, type: 'custom', custom: { name: call.name, input: payload } };
  return { id, type: 'function', function: { name: call.name, arguments: payload } };
}

export function finishReason(answer: Answer, { stop }: Scenario): string {
  // OpenAI has no such reason: a refusal ends like any other text.
  if (stop === 'refusal') return 'stop';
  return stop ?? FINISH_REASONS[answer.stop];
}

export function usageJson(usage: TokenUsage): JsonObject {
  const written = usage.cacheWrite5m + usage.cacheWrite1h;
  const prompt = usage.input + usage.cacheRead + written;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      ...(written > 0 ? { cache_write_tokens: written } : {}),
      audio_tokens: 0,
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
