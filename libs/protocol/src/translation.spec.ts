import fc from 'fast-check';
import { unreported } from './__fixtures__/facts';
import { SHOWN, spelled, TARGET, throughJson, translateReply, translateRequest } from './__fixtures__/translate';
import { arbitraryConversation, arbitraryReply } from './conversation.arbitrary';
import type { Conversation, Part } from './conversation';
import type { Dialect } from './dialect';
import {
  expectedFromChat,
  normalizedFromChat,
  withSendableMedia,
} from './dialects/openai-chat/__fixtures__/round-trip';
import { DIALECTS } from './dialects/registry';
import type { JsonObject } from './json';
import type { Loss } from './loss';

const PAIRS = Object.values(DIALECTS).flatMap((client) =>
  Object.values(DIALECTS).map((upstream) => [client.id, upstream.id, client, upstream] as const),
);
/** Of each pair. */
const RUNS = { numRuns: 50 };

const CROSS_PAIRS = PAIRS.filter(([client, upstream]) => client !== upstream);

/** With what one dialect or another has alone. */
const arbitraryRequest: fc.Arbitrary<Conversation> = fc
  .record({
    conversation: arbitraryConversation.map(withSendableMedia),
    extras: fc.record(
      {
        metadata: fc.constant({ run: 'r_1' }),
        serviceTier: fc.constantFrom('auto', 'default', 'flex', 'priority'),
        verbosity: fc.constantFrom('low', 'high'),
        promptCacheKey: fc.constant('key_1'),
        outputFormat: fc.constant({ type: 'json-object' as const }),
      },
      { requiredKeys: [] },
    ),
    logprobs: fc.record({ logprobs: fc.constant(true), topLogprobs: fc.integer({ min: 1, max: 5 }) }),
    asksLogprobs: fc.boolean(),
    display: fc.constantFrom(undefined, 'summarized', 'auto', 'omitted'),
    name: fc.constantFrom(undefined, 'ann'),
    developer: fc.boolean(),
  })
  .map(({ conversation, extras, logprobs, asksLogprobs, display, name, developer }) => {
    const { sampling, reasoning, messages } = conversation;
    return {
      ...conversation,
      ...extras,
      sampling: asksLogprobs ? { ...sampling, ...logprobs, logitBias: { 50256: -100 } } : sampling,
      ...(reasoning && { reasoning: display === undefined ? reasoning : { ...reasoning, display } }),
      messages: messages.map((message) => {
        if (message.role === 'system') return developer ? { ...message, developer } : message;
        return name !== undefined && message.role === 'user' ? { ...message, name } : message;
      }),
    };
  });

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

/** What the upstream understands of a request, under the client's own tool names. */
function understood(upstream: Dialect, body: JsonObject, toolNames: ReadonlyMap<string, string>): Conversation {
  const got = decoded(upstream, body);
  const own = (name: string): string => toolNames.get(name) ?? name;
  for (const { parts } of got.messages)
    for (const part of parts) if (part.type === 'tool-call') part.name = own(part.name);
  for (const tool of got.tools) tool.name = own(tool.name);
  if (got.toolChoice?.type === 'tool') got.toolChoice.name = own(got.toolChoice.name);
  return got;
}

describe.each(PAIRS)('%s client, %s upstream: any conversation', (_, __, client, upstream) => {
  it('reaches the upstream whole, but for the losses reported', () => {
    fc.assert(
      fc.property(arbitraryRequest, (conversation) => {
        const body = wireOf(client, conversation);
        const { body: sent, losses, toolNames } = translateRequest(client, upstream, body);
        expect(unreported(decoded(client, body), understood(upstream, sent, toolNames), losses)).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('Anthropic client, Chat upstream: any conversation', () => {
  const { 'anthropic-messages': client, 'openai-chat': upstream } = DIALECTS;

  it('reaches the upstream as itself, in the forms that Chat has', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const body = wireOf(client, conversation);
        const { body: sent, losses, toolNames } = translateRequest(client, upstream, body);
        const asked = { ...decoded(client, body), model: TARGET.model };
        const lost = new Set(losses.map(({ feature }) => feature));
        const expected = expectedFromChat(asked, lost, TARGET);
        expect(normalizedFromChat(decoded(upstream, sent), toolNames)).toEqual(expected);
      }),
    );
  });

  it('answers every call directly after the message that made it, and nothing else there', () => {
    fc.assert(
      fc.property(arbitraryConversation.map(withSendableMedia), (conversation) => {
        const { body } = translateRequest(client, upstream, wireOf(client, conversation));
        const messages = body.messages as { role: string; tool_calls?: { id: string }[]; tool_call_id?: string }[];
        messages.forEach(({ tool_calls: calls = [] }, index) => {
          const answers = messages.slice(index + 1, index + 1 + calls.length).map((message) => message.tool_call_id);
          expect(answers).toEqual(calls.map(({ id }) => id));
        });
      }),
    );
  });
});

describe.each(CROSS_PAIRS)('%s client, %s upstream: any reply', (_, __, client, upstream) => {
  it('reaches the client with every text, call and token, but for the losses reported', () => {
    fc.assert(
      fc.property(arbitraryReply, (reply) => {
        const fromUpstream = throughJson(upstream.encodeReply(reply, SHOWN).body);
        const told = upstream.decodeReply(fromUpstream, { toolNames: new Map() });
        const { body, losses } = translateReply(upstream, client, fromUpstream);
        const heard = client.decodeReply(body, { toolNames: new Map() });
        if (!told.ok || !heard.ok) throw new Error('not a reply');
        const lost = new Set(losses.map(({ feature }) => feature));
        expect(saidIn(heard.value.parts, lost)).toEqual(saidIn(told.value.parts, lost));
        expect(heard.value.usage).toEqual(told.value.usage);
        for (const type of ['redacted-thinking', 'thinking'] as const)
          expectSigned(told.value.parts, heard.value.parts, type, losses);
      }),
      RUNS,
    );
  });
});

/** Opaque to everybody but the provider: as it was, or reported. */
function expectSigned(
  told: readonly Part[],
  heard: readonly Part[],
  type: 'thinking' | 'redacted-thinking',
  losses: readonly Loss[],
): void {
  const signaturesOf = (parts: readonly Part[]): (string | undefined)[] =>
    parts.flatMap((part) => (part.type !== type ? [] : part.type === 'thinking' ? [part.signature] : [part.data]));
  const feature = type === 'thinking' ? 'thinking.signature' : 'redacted_thinking';
  if (!losses.some((loss) => loss.feature === feature)) expect(signaturesOf(heard)).toEqual(signaturesOf(told));
}

function saidIn(parts: readonly Part[], lost: ReadonlySet<string>): object {
  const joined = (...types: string[]): string =>
    parts.map((part) => (types.includes(part.type) && 'text' in part ? part.text : '')).join('');
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call' ? [{ id: part.id, name: part.name, arguments: spelled(part.arguments, lost) }] : [],
  );
  return { text: joined('text', 'refusal'), thinking: joined('thinking'), calls };
}
