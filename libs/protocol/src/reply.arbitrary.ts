import fc from 'fast-check';
import type { Part } from './conversation';
import type { DialectId } from './dialect';
import type { FinishReason, Reply } from './reply';
import type { BlockStart, StreamEvent } from './stream-event';
import type { Usage } from './usage';
import {
  defined,
  optional,
  arbitraryText,
  arbitraryBase64,
  arbitraryArguments,
  arbitraryThinkingPart,
} from './parts.arbitrary';

/** Of some token at least: usage of none is read as no usage. */
export const arbitraryUsage: fc.Arbitrary<Usage> = fc
  .record({
    inputTokens: fc.nat(100_000),
    cacheReadTokens: fc.nat(1000),
    cacheWrite5mTokens: fc.nat(1000),
    cacheWrite1hTokens: fc.nat(1000),
    outputTokens: fc.nat(100_000),
    reasoningShare: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .filter(({ reasoningShare: _, ...usage }) => Object.values(usage).some((tokens) => tokens > 0))
  .map(({ reasoningShare, ...usage }) => ({
    ...usage,
    reasoningTokens: Math.floor(usage.outputTokens * reasoningShare),
  }));

export const arbitraryFinishReason = fc.constantFrom<FinishReason>(
  'stop',
  'stop-sequence',
  'length',
  'tool-calls',
  'refusal',
  'pause',
  'context-window',
);

/** Who can have signed what a model thought. */
const arbitrarySigner = fc.constantFrom<DialectId>('anthropic-messages', 'openai-responses');

const arbitrarySignedThinking = fc.tuple(arbitraryThinkingPart, arbitrarySigner).map(([part, signedBy]): Part => {
  if (part.type === 'redacted-thinking') return { ...part, signedBy: 'anthropic-messages' };
  return part.type === 'thinking' && part.signature !== undefined ? { ...part, signedBy } : part;
});

const replyToolCall = fc.record({ name: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/), arguments: arbitraryArguments });

export const arbitraryReply: fc.Arbitrary<Reply> = fc
  .record({
    thinking: fc.array(arbitrarySignedThinking, { maxLength: 1 }),
    texts: fc.array(fc.record({ type: fc.constant('text' as const), text: arbitraryText }), { maxLength: 2 }),
    calls: fc.array(replyToolCall, { maxLength: 3 }),
    finish: arbitraryFinishReason,
    stopSequence: arbitraryText,
    usage: arbitraryUsage,
  })
  .map(({ thinking, texts, calls, finish, stopSequence, usage }) => {
    const toolCalls = calls.map((call, index): Part => ({ type: 'tool-call', id: `call_${index}`, ...call }));
    return defined({
      id: 'reply_1',
      model: 'upstream-model',
      parts: [...thinking, ...texts, ...toolCalls],
      finish,
      stopSequence: finish === 'stop-sequence' ? stopSequence : undefined,
      usage,
      unmapped: [],
    });
  });

function blockEvents(block: BlockStart, deltas: StreamEvent[]): StreamEvent[] {
  return [{ type: 'block-start', block }, ...deltas, { type: 'block-stop' }];
}

function pieces(text: string, size: number): string[] {
  return text === '' ? [] : (text.match(new RegExp(`[^]{1,${size}}`, 'gu')) ?? []);
}

const streamBlock: fc.Arbitrary<StreamEvent[]> = fc.oneof(
  fc.array(arbitraryText, { maxLength: 4 }).map((texts) =>
    blockEvents(
      { type: 'text' },
      texts.map((text) => ({ type: 'text-delta', text })),
    ),
  ),
  fc
    .tuple(fc.array(arbitraryText, { minLength: 1, maxLength: 3 }), optional(arbitraryBase64), arbitrarySigner)
    .map(([texts, signature, signedBy]) => {
      const deltas: StreamEvent[] = texts.map((text) => ({ type: 'thinking-delta', text }));
      if (signature !== undefined) deltas.push({ type: 'signature-delta', signature, signedBy });
      return blockEvents({ type: 'thinking' }, deltas);
    }),
  arbitraryBase64.map((data) => blockEvents({ type: 'redacted-thinking', data, signedBy: 'anthropic-messages' }, [])),
  fc.array(arbitraryText, { minLength: 1, maxLength: 2 }).map((texts) =>
    blockEvents(
      { type: 'refusal' },
      texts.map((text) => ({ type: 'refusal-delta', text })),
    ),
  ),
  fc.tuple(replyToolCall, fc.integer({ min: 1, max: 9 })).map(([call, size]) =>
    blockEvents(
      { type: 'tool-call', id: '', name: call.name },
      pieces(call.arguments, size).map((json) => ({ type: 'arguments-delta', json })),
    ),
  ),
);

function withCallIds(events: StreamEvent[]): StreamEvent[] {
  let count = 0;
  return events.map((event) =>
    event.type === 'block-start' && event.block.type === 'tool-call'
      ? { ...event, block: { ...event.block, id: `call_${count++}` } }
      : event,
  );
}

const streamBody = fc
  .tuple(fc.array(streamBlock, { maxLength: 5 }), optional(arbitraryUsage))
  .map(([blocks, usage]): StreamEvent[] => [
    defined({ type: 'start', id: 'reply_1', model: 'upstream-model', usage }),
    ...withCallIds(blocks.flat()),
  ]);

/** A complete reply: start, blocks, finish, now and then a ping. */
export const arbitraryStream: fc.Arbitrary<StreamEvent[]> = fc
  .record({
    body: streamBody,
    pingAt: optional(fc.nat(20)),
    reason: arbitraryFinishReason,
    stopSequence: arbitraryText,
    usage: arbitraryUsage,
  })
  .map(({ body, pingAt, reason, stopSequence, usage }) => {
    const events = [...body];
    if (pingAt !== undefined) events.splice(1 + (pingAt % events.length), 0, { type: 'ping' });
    const which = reason === 'stop-sequence' ? stopSequence : undefined;
    events.push(defined({ type: 'finish', reason, stopSequence: which, usage }));
    return events;
  });

/** A reply cut off anywhere by an error, also inside a block. */
export const arbitraryFailedStream: fc.Arbitrary<StreamEvent[]> = fc
  .tuple(streamBody, fc.nat(40), fc.constantFrom('upstream', 'malformed', 'truncated', 'timeout', 'gateway'))
  .map(([body, cut, kind]) => [
    ...body.slice(0, 1 + (cut % body.length)),
    { type: 'error', error: { kind: kind as 'upstream', message: 'It broke' } },
  ]);
