import fc from 'fast-check';
import { arbitraryArguments, arbitraryText } from '../../../parts.arbitrary';
import type { JsonObject } from '../../../json';

/** A reply as an upstream thinks it, before it is cut into chunks. */
export interface ScriptedReply {
  thinking: string[];
  texts: string[];
  refusals: string[];
  calls: ScriptedCall[];
}

export interface ScriptedCall {
  id: string;
  name: string;
  pieces: string[];
  /** How many pieces come before the chunk that names the call. */
  nameAfter: number;
}

export interface ScriptedStream {
  reply: ScriptedReply;
  /** Deltas in the order sent. */
  deltas: JsonObject[];
}

function cut(text: string, size: number): string[] {
  return text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? [];
}

const scriptedCall = fc
  .tuple(fc.stringMatching(/^[a-z_]{1,12}$/), arbitraryArguments, fc.integer({ min: 1, max: 8 }), fc.nat(2))
  .map(([name, text, size, nameAfter]) => {
    const pieces = cut(text, size);
    return { id: '', name, pieces, nameAfter: Math.min(nameAfter, pieces.length) };
  });

const scriptedReply: fc.Arbitrary<ScriptedReply> = fc.record({
  thinking: fc.array(arbitraryText, { maxLength: 3 }),
  texts: fc.array(arbitraryText, { maxLength: 4 }),
  refusals: fc.array(arbitraryText, { maxLength: 1 }),
  calls: fc
    .array(scriptedCall, { maxLength: 4 })
    .map((calls) => calls.map((call, index) => ({ ...call, id: `call_${index}` }))),
});

function callDeltas({ id, name, pieces, nameAfter }: ScriptedCall, index: number): JsonObject[] {
  const named = { index, id, type: 'function', function: { name, arguments: '' } };
  const wires: JsonObject[] = pieces.map((piece) => ({ index, function: { arguments: piece } }));
  wires.splice(nameAfter, 0, named);
  return wires.map((wire) => ({ tool_calls: [wire] }));
}

/**
 * Streams whose lanes (thinking, text, refusal, each call by its index) are interleaved in any way that keeps each lane's
 * own order: sequential like OpenAI's, or mixed like nobody should.
 */
export const scriptedStream: fc.Arbitrary<ScriptedStream> = fc
  .tuple(scriptedReply, fc.infiniteStream(fc.nat(20)))
  .map(([reply, choices]) => {
    const lanes: JsonObject[][] = [
      reply.thinking.map((reasoning_content) => ({ reasoning_content })),
      reply.texts.map((content) => ({ content })),
      reply.refusals.map((refusal) => ({ refusal })),
      ...reply.calls.map((call, index) => callDeltas(call, index)),
    ].filter((lane) => lane.length > 0);
    const deltas: JsonObject[] = [];
    let lane = 0;
    while (lanes.length > 0) {
      const choice = choices.next().value ?? 0;
      // Mostly stay in a lane, as real streams do.
      lane = choice > 12 ? choice % lanes.length : Math.min(lane, lanes.length - 1);
      const next = lanes[lane]?.shift();
      if (next) deltas.push(next);
      if (lanes[lane]?.length === 0) lanes.splice(lane, 1);
    }
    return { reply, deltas };
  });

export function chunkOf(choice: JsonObject, extra: JsonObject = {}): string {
  const chunk = {
    id: 'chatcmpl-9',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'up',
    choices: [choice],
    ...extra,
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

export function deltaChunk(delta: JsonObject): string {
  return chunkOf({ index: 0, delta, finish_reason: null });
}

export function finishChunk(reason: string): string {
  return chunkOf({ index: 0, delta: {}, finish_reason: reason });
}

export function usageChunk(usage: JsonObject): string {
  return chunkOf({}, { choices: [], usage });
}

export const DONE_EVENT = 'data: [DONE]\n\n';

export const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
