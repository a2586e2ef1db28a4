import fc from 'fast-check';
import { arbitraryConversation } from '../../conversation.arbitrary';
import type { JsonObject } from '../../json';
import { CAPABLE_TARGET, expectedFromResponses, spelledAlike, withOpenaiFiles } from './__fixtures__/round-trip';
import { decodeRequest, encodeRequest } from './request';

describe('encodeRequest, then decodeRequest', () => {
  it('gives the same conversation but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withOpenaiFiles), (conversation) => {
        const before = structuredClone(conversation);
        const encoded = encodeRequest(conversation, CAPABLE_TARGET);
        if (!encoded.ok) throw new Error(encoded.fault.message);
        expect(conversation).toEqual(before);
        const back = decodeRequest(JSON.parse(JSON.stringify(encoded.body)) as JsonObject);
        if (!back.ok) throw new Error(back.fault.message);
        const lost = new Set(encoded.losses.map(({ feature }) => feature));
        expect(spelledAlike({ ...back.value }, encoded.toolNames)).toEqual(
          expectedFromResponses({ ...conversation, model: CAPABLE_TARGET.model }, lost),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('sends names that the API takes, asks it to keep nothing, and reports only what it lacks', () => {
    const lacking = new Set([
      ...['thinking', 'thinking.signature', 'redacted_thinking', 'thinking.budget_tokens', 'cache_control'],
      ...['citations', 'document.context', 'document.title', 'stop_sequences', 'top_k', 'presence_penalty'],
      ...['frequency_penalty', 'seed', 'tool_choice.namespace'],
    ]);
    fc.assert(
      fc.property(arbitraryConversation.map(withOpenaiFiles), (conversation) => {
        const encoded = encodeRequest(conversation, CAPABLE_TARGET);
        if (!encoded.ok) throw new Error(encoded.fault.message);
        const { input, store, include } = encoded.body;
        expect([store, include]).toEqual([false, ['reasoning.encrypted_content']]);
        const calls = (input as JsonObject[]).filter(({ type }) => type === 'function_call');
        expect(calls.filter(({ name }) => typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(name))).toEqual([]);
        expect(encoded.losses.filter(({ feature }) => !lacking.has(feature))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
