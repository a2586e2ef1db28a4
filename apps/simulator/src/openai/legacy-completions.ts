import { compose, idTail, type Answer } from '../answer';
import { refuse } from '../api-failure';
import type { Incoming, Plan } from '../dialect';
import { FrameList, pieces, type Frame } from '../frames';
import { isObject, textOf, type JsonObject } from '../json';
import { emptyTurn, type Prompt } from '../prompt';
import type { Scenario } from '../scenario';
import { inputTokens, type TokenUsage } from '../tokens';
import { wrongType } from './refusals';
import { CREATED, finishReason, totalUsage, usageJson } from './reply';

/** The API's own, where a request names no limit. */
const MAX_TOKENS_DEFAULT = 16;
const REPLIES_MAX = 128;

interface Context {
  model: string;
  scenario: Scenario;
  seed: string;
  includeUsage: boolean;
  usage: TokenUsage;
}

/** `POST /v1/completions`, the API before Chat: each prompt is answered `n` times, and `best_of` times written. */
export function planLegacyCompletion({ body, scenario, seed }: Incoming): Plan {
  const model = textOf(body['model']);
  if (model === '') refuse('you must provide a model parameter');
  const prompts = readPrompts(body['prompt']);
  const shown = numberIn(body, 'n', 1);
  const written = numberIn(body, 'best_of', shown);
  if (written < shown) refuse('best_of must be greater than or equal to n', 'best_of');
  const silent = { ...scenario, thinking: 'no' as const };
  const answers = prompts.map((text, at) => {
    const prompt = readPrompt(body, text);
    return Array.from({ length: written }, (_, index) => compose(prompt, silent, `${seed}${text}${at}/${index}`));
  });
  const usage = totalUsage(answers.flat());
  const stream = body['stream'] === true;
  const options = isObject(body['stream_options']) ? body['stream_options'] : {};
  const context = { model, scenario, seed, usage, includeUsage: options['include_usage'] === true };
  const seen = answers.flatMap((each) => each.slice(0, shown));
  return {
    scenario,
    model,
    usage,
    reply: stream ? { kind: 'stream', frames: frames(seen, context) } : { kind: 'body', body: whole(seen, context) },
  };
}

/** A text, texts, the tokens of one text, or those of several; of tokens nobody here knows the text. */
function readPrompts(prompt: unknown): string[] {
  if (prompt == null) return [''];
  const list: unknown[] = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt : [prompt];
  if (list.length === 0) refuse("Invalid 'prompt': prompt cannot be an empty array.", 'prompt', 'invalid_value');
  return list.map((one) => {
    if (typeof one === 'string') return one;
    if (Array.isArray(one) && one.every(Number.isInteger)) return `${one.length} tokens`;
    return refuse("'$.prompt' is invalid. Please check the API reference.", 'prompt');
  });
}

function readPrompt(body: JsonObject, text: string): Prompt {
  const { stop } = body;
  return {
    model: textOf(body['model']),
    stream: body['stream'] === true,
    turns: [{ ...emptyTurn('user'), texts: [text] }],
    tools: [],
    toolChoice: { type: 'none' },
    parallelCalls: false,
    maxTokens: numberIn(body, 'max_tokens', MAX_TOKENS_DEFAULT),
    stopSequences: (Array.isArray(stop) ? stop : [stop]).map(textOf),
    thinking: false,
    inputTokens: inputTokens(body['prompt']),
  };
}

function numberIn(body: JsonObject, name: string, fallback: number): number {
  const value = body[name] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    return refuse(wrongType(name, 'an integer', value), name, 'invalid_type');
  }
  if (value < 1 || (name !== 'max_tokens' && value > REPLIES_MAX)) {
    const text = `Invalid '${name}': expected an integer of at least 1, but got ${value} instead.`;
    return refuse(text, name, 'integer_below_min_value');
  }
  return value;
}

function envelope({ model, seed }: Context): JsonObject {
  const id = `cmpl-sim${idTail(seed, 'legacy')}`;
  return { id, object: 'text_completion', created: CREATED, model, system_fingerprint: 'fp_simulator' };
}

function textIn(answer: Answer): string {
  return answer.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
}

function whole(answers: Answer[], context: Context): Buffer {
  const choices = answers.map((answer, index) => ({
    text: textIn(answer),
    index,
    logprobs: null,
    finish_reason: finishReason(answer, context.scenario),
  }));
  const usage = context.scenario.noUsage ? {} : { usage: usageJson(context.usage) };
  return Buffer.from(JSON.stringify({ ...envelope(context), choices, ...usage }));
}

function frames(answers: Answer[], context: Context): Frame[] {
  const { scenario, usage } = context;
  const withUsage = context.includeUsage && !scenario.noUsage;
  const list = new FrameList();
  const head = envelope(context);
  const add = (choices: JsonObject[], chunk: boolean, weight: number, figures: JsonObject | null = null): void =>
    list.add(
      `data: ${JSON.stringify({ ...head, choices, ...(withUsage ? { usage: figures } : {}) })}\n\n`,
      chunk,
      weight,
    );
  answers.forEach((answer, index) => {
    for (const piece of answer.parts.flatMap((part) => pieces(part, scenario))) {
      add([{ text: piece, index, logprobs: null, finish_reason: null }], true, Buffer.byteLength(piece));
    }
    add([{ text: '', index, logprobs: null, finish_reason: finishReason(answer, scenario) }], false, 0);
  });
  if (withUsage) add([], false, 0, usageJson(usage));
  list.add('data: [DONE]\n\n', false);
  return list.build(usage.output);
}
