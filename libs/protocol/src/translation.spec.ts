import fc from 'fast-check';
import {
  features,
  ledgerOf,
  SHOWN,
  spelled,
  TARGET,
  throughJson,
  translateReply,
  translateRequest,
} from './__fixtures__/translate';
import { arbitraryConversation, arbitraryReply } from './conversation.arbitrary';
import type { Conversation, Part } from './conversation';
import type { Dialect } from './dialect';
import { anthropicMessages } from './dialects/anthropic-messages/dialect';
import {
  expectedFromChat,
  normalizedFromChat,
  withSendableMedia,
} from './dialects/openai-chat/__fixtures__/round-trip';
import { openaiChat } from './dialects/openai-chat/dialect';
import type { JsonObject } from './json';

/** The conversation as a client of that dialect puts it on the wire. */
function wireOf(client: Dialect, conversation: Conversation): JsonObject {
  const encoded = client.encodeRequest(conversation, TARGET);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return throughJson(encoded.body);
}

function decoded(dialect: Dialect, body: JsonObject): Conversation {
  const result = dialect.decodeRequest(body);
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

describe('Anthropic client, Chat upstream: any conversation', () => {
  it('reaches the upstream whole, but for the losses reported', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const body = wireOf(anthropicMessages, conversation);
        const { body: sent, losses, toolNames } = translateRequest(anthropicMessages, openaiChat, body);
        const asked = { ...decoded(anthropicMessages, body), model: TARGET.model };
        const expected = expectedFromChat(asked, new Set(features(losses)), TARGET);
        expect(normalizedFromChat(decoded(openaiChat, sent), toolNames)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('answers every call directly after the message that made it, and nothing else there', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const { body } = translateRequest(anthropicMessages, openaiChat, wireOf(anthropicMessages, conversation));
        const messages = body.messages as { role: string; tool_calls?: { id: string }[]; tool_call_id?: string }[];
        messages.forEach(({ tool_calls: calls = [] }, index) => {
          const answers = messages.slice(index + 1, index + 1 + calls.length).map((message) => message.tool_call_id);
          expect(answers).toEqual(calls.map(({ id }) => id));
        });
      }),
    );
  });
});

describe('Chat client, Anthropic upstream: any conversation', () => {
  it('reaches the upstream whole, but for the losses reported', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const body = wireOf(openaiChat, conversation);
        const { body: sent, losses, toolNames } = translateRequest(openaiChat, anthropicMessages, body);
        const lost = new Set(features(losses));
        const asked = decoded(openaiChat, body);
        const got = decoded(anthropicMessages, sent);
        const own = (name: string): string => toolNames.get(name) ?? name;
        for (const { parts } of got.messages)
          for (const part of parts) if (part.type === 'tool-call') part.name = own(part.name);
        for (const tool of got.tools) tool.name = own(tool.name);
        expect(ledgerOf(got, lost)).toEqual(ledgerOf(asked, lost));
        expect(got.maxOutputTokens).toBe(asked.maxOutputTokens ?? TARGET.maxOutputTokens);
        expect([got.stopSequences, got.endUser, got.stream]).toEqual([
          asked.stopSequences,
          asked.endUser,
          asked.stream,
        ]);
      }),
      { numRuns: 300 },
    );
  });
});

describe.each([
  ['Anthropic upstream, Chat client', anthropicMessages, openaiChat],
  ['Chat upstream, Anthropic client', openaiChat, anthropicMessages],
])('%s: any reply', (_, upstream, client) => {
  it('reaches the client with every text, call and token, but for the losses reported', () => {
    fc.assert(
      fc.property(arbitraryReply, (reply) => {
        const fromUpstream = throughJson(upstream.encodeReply(reply, SHOWN).body);
        const told = upstream.decodeReply(fromUpstream, { toolNames: new Map() });
        const { body, losses } = translateReply(upstream, client, fromUpstream);
        const heard = client.decodeReply(body, { toolNames: new Map() });
        if (!told.ok || !heard.ok) throw new Error('not a reply');
        const lost = new Set(features(losses));
        expect(saidIn(heard.value.parts, lost)).toEqual(saidIn(told.value.parts, lost));
        expect(heard.value.usage).toEqual(told.value.usage);
        const has = (type: string): boolean => told.value.parts.some((part) => part.type === type);
        expect(lost.has('redacted_thinking')).toBe(client === openaiChat && has('redacted-thinking'));
      }),
      { numRuns: 300 },
    );
  });
});

function saidIn(parts: readonly Part[], lost: ReadonlySet<string>): object {
  const joined = (...types: string[]): string =>
    parts.map((part) => (types.includes(part.type) && 'text' in part ? part.text : '')).join('');
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call' ? [{ id: part.id, name: part.name, arguments: spelled(part.arguments, lost) }] : [],
  );
  return { text: joined('text', 'refusal'), thinking: joined('thinking'), calls };
}
