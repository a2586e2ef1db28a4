import type { Decoded, StreamTap, TapContext, TappedReply } from '../dialect';
import { COMPLETION_CHUNK } from '../dialects/openai-chat/chunk-form';
import { FRAME_SCANNER, readChoices } from '../dialects/openai-chat/frame-scan';
import { tapReply } from '../dialects/openai-chat/reply-tap';
import { ChatStreamTap } from '../dialects/openai-chat/stream-tap';
import type { JsonValue } from '../json';
import { JsonScanner } from '../json-scan';
import { readJsonValue, type JsonSpan } from '../json-span';
import type { OperationCall } from './operation';

/** `max_tokens` of a body that has none, by the API's own word. */
export const COMPLETION_TOKENS_DEFAULT = 16;

const SCANNER = new JsonScanner(['prompt', 'n', 'best_of']);

/** `POST /v1/completions`, the API before Chat. */
class CompletionsCall implements OperationCall {
  readonly id = 'completions';

  constructor(readonly replyCount: number) {}

  streamTap(context: TapContext): StreamTap {
    return new ChatStreamTap(withoutRepair(context), COMPLETION_CHUNK);
  }

  tapReply(body: Buffer, context: TapContext): TappedReply {
    return tapReply(body, withoutRepair(context));
  }

  writtenBytes(reply: Buffer): number {
    const scan = FRAME_SCANNER.scan(reply);
    const choices = scan.ok ? scan.spans.choices : undefined;
    if (choices === undefined) return reply.length;
    return readChoices(reply, choices, undefined, COMPLETION_CHUNK.generated).generatedBytes;
  }
}

/** Each prompt of a list is answered `n` times, chosen among `best_of`: all of them are written, and billed. */
export function readCompletionsCall(body: Buffer): Decoded<OperationCall> {
  const scan = SCANNER.scan(body);
  const { prompt, n, best_of: bestOf } = scan.ok ? scan.spans : {};
  const repeats = [n, bestOf].map((span) => valueAt(body, span));
  const faulty = repeats.findIndex((value) => value !== null && !(Number.isSafeInteger(value) && Number(value) >= 1));
  if (faulty !== -1) {
    const param = faulty === 0 ? 'n' : 'best_of';
    return { ok: false, fault: { message: `${param}: must be an integer of at least 1`, param } };
  }
  const each = Math.max(1, ...repeats.map(Number));
  return { ok: true, value: new CompletionsCall(promptsIn(valueAt(body, prompt)) * each) };
}

/** A text, texts, the tokens of one text, or those of several. */
function promptsIn(prompt: JsonValue): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(1, prompt.length) : 1;
}

/** Null: absent. */
function valueAt(body: Buffer, span: JsonSpan | undefined): JsonValue {
  return (span && readJsonValue(body, span)) ?? null;
}

/** What is put into Chat's replies has no place in these. */
function withoutRepair({ repair: _, ...context }: TapContext): TapContext {
  return context;
}
