import fc from 'fast-check';
import { arbitraryConversation } from '../../conversation.arbitrary';
import type { Part } from '../../conversation';
import type { JsonObject } from '../../json';
import { CAPABLE_TARGET, expectedFromChat, normalizedFromChat, withSendableMedia } from './__fixtures__/round-trip';
import { decodeRequest, encodeRequest } from './request';

describe('encodeRequest, then decodeRequest', () => {
  it('gives the same conversation but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const encoded = encodeRequest(conversation, CAPABLE_TARGET);
        if (!encoded.ok) throw new Error(encoded.fault.message);
        const back = decodeRequest(JSON.parse(JSON.stringify(encoded.body)) as JsonObject);
        if (!back.ok) throw new Error(back.fault.message);
        const lost = new Set(encoded.losses.map(({ feature }) => feature));
        const expected = expectedFromChat({ ...conversation, model: CAPABLE_TARGET.model }, lost, CAPABLE_TARGET);
        expect(normalizedFromChat(back.value, encoded.toolNames)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('reports a loss exactly where the conversation has what Chat lacks', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const encoded = encodeRequest(conversation, CAPABLE_TARGET);
        if (!encoded.ok) throw new Error(encoded.fault.message);
        const count = (feature: string): number => encoded.losses.filter((loss) => loss.feature === feature).length;
        const parts = conversation.messages.flatMap((message) => allParts(message.parts));
        const functions = conversation.tools.filter((tool) => tool.type === 'function');
        expect(count('thinking')).toBe(parts.filter(({ type }) => type === 'thinking').length);
        expect(count('redacted_thinking')).toBe(parts.filter(({ type }) => type === 'redacted-thinking').length);
        expect(count('cache_control')).toBe([...parts, ...functions].filter(({ cache }) => cache).length);
        expect(count('defer_loading')).toBe(functions.filter(({ deferLoading }) => deferLoading).length);
        expect(count('top_k')).toBe(conversation.sampling.topK === undefined ? 0 : 1);
      }),
    );
  });
});

function allParts(parts: readonly Part[]): Part[] {
  return parts.flatMap((part) => {
    if (part.type === 'tool-result') return [part, ...allParts(part.parts)];
    if (part.type === 'document' && part.source.type === 'parts') return [part, ...allParts(part.source.parts)];
    return [part];
  });
}
