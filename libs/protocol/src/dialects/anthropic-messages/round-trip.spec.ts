import fc from 'fast-check';
import type { Conversation, Part, Sampling } from '../../conversation';
import { arbitraryConversation, arbitraryReply } from '../../conversation.arbitrary';
import type { EncodeContext, RequestTarget } from '../../dialect';
import { isJsonObject, type JsonObject } from '../../json';
import { anthropicMessages } from './dialect';

const target: RequestTarget = {
  model: 'upstream',
  maxOutputTokens: 64_000,
  vision: true,
  documents: true,
  reasoning: true,
  customTools: true,
};
const context: EncodeContext = { model: 'shown', id: 'msg_1', createdAtSeconds: 0, includeUsage: true };

function eachPart(parts: Part[], change: (part: Part) => void): void {
  for (const part of parts) {
    change(part);
    if (part.type === 'tool-result') eachPart(part.parts, change);
    if (part.type === 'document' && part.source.type === 'parts') eachPart(part.source.parts, change);
  }
}

function everyPart(conversation: Conversation, change: (part: Part) => void): void {
  for (const { parts } of conversation.messages) eachPart(parts, change);
}

function dropSampling(name: keyof Sampling): (conversation: Conversation) => void {
  return ({ sampling }) => delete sampling[name];
}

/** One JSON text for one value; what is no object, or was wrapped because it was none, counts as lost. */
function canonicalArguments(text: string): string {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    if (!isJsonObject(value)) return 'lost';
    const keys = Object.keys(value).join();
    return keys === 'raw' || keys === 'value' ? 'lost' : JSON.stringify(value);
  } catch {
    return 'lost';
  }
}

/** What each reported loss allows to differ, and nothing else may. */
const FORGET: Record<string, (conversation: Conversation) => void> = {
  temperature: dropSampling('temperature'),
  top_p: dropSampling('topP'),
  top_k: dropSampling('topK'),
  presence_penalty: dropSampling('presencePenalty'),
  frequency_penalty: dropSampling('frequencyPenalty'),
  seed: dropSampling('seed'),
  thinking: ({ reasoning }) => {
    delete reasoning?.mode;
    delete reasoning?.budgetTokens;
  },
  'thinking.budget_tokens': ({ reasoning }) => delete reasoning?.budgetTokens,
  'thinking.signature': (conversation) => {
    for (const message of conversation.messages) {
      message.parts = message.parts.filter(
        (part) => part.type !== 'thinking' || part.signedBy === 'anthropic-messages',
      );
    }
  },
  'image.detail': (conversation) => {
    everyPart(conversation, (part) => part.type === 'image' && delete part.detail);
  },
  refusal: (conversation) => {
    everyPart(conversation, (part) => part.type === 'refusal' && Object.assign(part, { type: 'text' }));
  },
  'tool_arguments.invalid': (conversation) => {
    everyPart(conversation, (part) => {
      if (part.type === 'tool-call') part.arguments = canonicalArguments(part.arguments);
    });
  },
  'response_format.name': ({ outputFormat }) => {
    if (outputFormat?.type === 'json-schema') delete outputFormat.name;
  },
  'response_format.strict': ({ outputFormat }) => {
    if (outputFormat?.type === 'json-schema') delete outputFormat.strict;
  },
};

/** Two ways to write one request: defaults, which say nothing, and names and JSON texts, which have several spellings. */
function canonical(
  original: Conversation,
  forget: readonly string[],
  toolNames: ReadonlyMap<string, string>,
): Conversation {
  const conversation = structuredClone(original);
  const { sampling } = conversation;
  conversation.model = target.model;
  conversation.maxOutputTokens ??= target.maxOutputTokens;
  if (sampling.temperature === 1) delete sampling.temperature;
  if (sampling.topP === 1) delete sampling.topP;
  if (conversation.outputFormat?.type === 'json-schema') delete conversation.outputFormat.strict;
  if (conversation.parallelToolCalls === false) conversation.toolChoice ??= { type: 'auto' };
  if (!conversation.toolChoice || conversation.toolChoice.type === 'none') delete conversation.parallelToolCalls;
  const own = (name: string): string => toolNames.get(name) ?? name;
  for (const tool of conversation.tools) tool.name = own(tool.name);
  if (conversation.toolChoice?.type === 'tool') conversation.toolChoice.name = own(conversation.toolChoice.name);
  everyPart(conversation, (part) => {
    if (part.type !== 'tool-call') return;
    part.name = own(part.name);
    if (canonicalArguments(part.arguments) !== 'lost') part.arguments = canonicalArguments(part.arguments);
  });
  for (const feature of forget) {
    const forgetFeature = FORGET[feature];
    if (forgetFeature === undefined) throw new Error(`an unexpected loss: ${feature}`);
    forgetFeature(conversation);
  }
  if (conversation.reasoning && Object.keys(conversation.reasoning).length === 0) delete conversation.reasoning;
  return conversation;
}

describe('Anthropic Messages, there and back', () => {
  it('gives any conversation back but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryConversation, (conversation) => {
        const before = structuredClone(conversation);
        const encoded = anthropicMessages.encodeRequest(conversation, target);
        if (!encoded.ok) throw new Error(encoded.fault.message);
        expect(conversation).toEqual(before);
        const decoded = anthropicMessages.decodeRequest(JSON.parse(JSON.stringify(encoded.body)) as JsonObject);
        if (!decoded.ok) throw new Error(decoded.fault.message);
        const features = [...new Set(encoded.losses.map(({ feature }) => feature))];
        expect(canonical(decoded.value, features, encoded.toolNames)).toEqual(
          canonical(conversation, features, new Map()),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('never sends what the API refuses', () => {
    fc.assert(
      fc.property(arbitraryConversation, (conversation) => {
        const encoded = anthropicMessages.encodeRequest(conversation, target);
        if (!encoded.ok) throw new Error(encoded.fault.message);
        const text = JSON.stringify(encoded.body);
        const names = [...text.matchAll(/"type":"tool_use","id":"([^"]*)","name":"([^"]*)"/g)];
        expect(
          names.every(([, id, name]) => /^[a-zA-Z0-9_-]+$/.test(id ?? '') && /^[a-zA-Z0-9_-]{1,64}$/.test(name ?? '')),
        ).toBe(true);
        const { messages, thinking, temperature, top_p: topP, tools, tool_choice: choice } = encoded.body;
        const roles = (messages as unknown as { role: string }[]).map(({ role }) => role);
        expect(roles.every((role, index) => role !== roles[index + 1])).toBe(true);
        const thinks = thinking !== undefined && (thinking as { type: string }).type !== 'disabled';
        expect(thinks && temperature !== undefined).toBe(false);
        expect(temperature !== undefined && topP !== undefined).toBe(false);
        expect(choice !== undefined && tools === undefined).toBe(false);
      }),
    );
  });

  it('gives any reply back but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryReply, (reply) => {
        const { body, losses } = anthropicMessages.encodeReply(reply, context);
        const decoded = anthropicMessages.decodeReply(JSON.parse(JSON.stringify(body)) as JsonObject, {
          toolNames: new Map(),
        });
        if (!decoded.ok) throw new Error(decoded.fault.message);
        const invalid = reply.parts.filter(
          (part) => part.type === 'tool-call' && !isJsonObject(JSON.parse(canonicalOrNull(part.arguments))),
        );
        expect(losses.map(({ feature }) => feature)).toEqual(invalid.map(() => 'tool_arguments.invalid'));
        const spelled = (parts: Part[]): Part[] =>
          parts.map((part) =>
            part.type === 'tool-call' ? { ...part, arguments: canonicalArguments(part.arguments) } : part,
          );
        expect({ ...decoded.value, parts: spelled(decoded.value.parts) }).toEqual({
          ...reply,
          model: context.model,
          parts: spelled(reply.parts),
        });
      }),
      { numRuns: 300 },
    );
  });
});

function canonicalOrNull(text: string): string {
  const spelled = canonicalArguments(text);
  return spelled === 'lost' ? 'null' : spelled;
}
