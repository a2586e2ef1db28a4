import type { Conversation, DocumentPart, Message, Part, Reasoning, Tool } from '../../../conversation';
import type { RequestTarget } from '../../../dialect';
import { documentHeading } from '../../openai/labels';

/** An upstream model that takes everything. */
export const CAPABLE_TARGET: RequestTarget = {
  model: 'upstream-model',
  maxOutputTokens: 32_000,
  vision: true,
  documents: true,
  reasoning: true,
  customTools: true,
};

/**
 * Media by references that a Chat upstream refuses, as bytes, so that a conversation can be sent at all; and as it would
 * come out of JSON, which has no -0.
 */
export function withSendableMedia(conversation: Conversation): Conversation {
  const messages = conversation.messages.map((message) => mapParts(message, sendable));
  return JSON.parse(JSON.stringify({ ...conversation, messages })) as Conversation;
}

function sendable(part: Part): Part {
  switch (part.type) {
    case 'image':
      return part.source.type === 'file' ? { ...part, source: { type: 'url', url: 'https://media.test/a.png' } } : part;
    case 'document':
      return part.source.type === 'url' || part.source.type === 'file'
        ? { ...part, source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' } }
        : part;
    case 'tool-result':
      return { ...part, parts: part.parts.map(sendable) };
    default:
      return part;
  }
}

/**
 * What must come back of a conversation that went out to a Chat upstream: itself without what was *reported* as lost,
 * in the forms that Chat has for the rest (documents that are text become text, defaults are filled in, neighbouring
 * user messages are one).
 */
export function expectedFromChat(
  conversation: Conversation,
  lost: ReadonlySet<string>,
  target: RequestTarget,
): unknown {
  const { messages, tools, reasoning, sampling, outputFormat, stopSequences, maxOutputTokens, ...rest } = conversation;
  const { topK, ...otherSampling } = sampling;
  return absentGone({
    ...rest,
    messages: mergeUsers(messages.map((message) => mapAllParts(message, (part) => carried(part, lost)))),
    tools: tools.map((tool) => carriedTool(tool, lost)),
    reasoning: reasoning && carriedReasoning(reasoning, lost),
    sampling: lost.has('top_k') || topK === undefined ? otherSampling : sampling,
    outputFormat: outputFormat?.type === 'json-schema' ? { name: 'response', ...outputFormat } : outputFormat,
    stopSequences,
    maxOutputTokens: maxOutputTokens === undefined ? undefined : Math.min(maxOutputTokens, target.maxOutputTokens),
    includeUsage: conversation.stream ? true : undefined,
  });
}

/** The other side of the comparison: names restored, neighbouring user messages one. */
export function normalizedFromChat(conversation: Conversation, toolNames: ReadonlyMap<string, string>): unknown {
  const own = (name: string): string => toolNames.get(name) ?? name;
  const { toolChoice } = conversation;
  return absentGone({
    ...conversation,
    messages: mergeUsers(
      conversation.messages.map((message) =>
        mapParts(message, (part) => (part.type === 'tool-call' ? { ...part, name: own(part.name) } : part)),
      ),
    ),
    tools: conversation.tools.map((tool) => ({ ...tool, name: own(tool.name) })),
    toolChoice: toolChoice?.type === 'tool' ? { ...toolChoice, name: own(toolChoice.name) } : toolChoice,
  });
}

function carried(part: Part, lost: ReadonlySet<string>): Part[] {
  const { cache, ...bare } = part;
  const plain = (lost.has('cache_control') || cache === undefined ? bare : part) as Part;
  switch (plain.type) {
    case 'thinking':
      return lost.has('thinking') ? [] : [plain];
    case 'redacted-thinking':
      return lost.has('redacted_thinking') ? [] : [plain];
    case 'document':
      return carriedDocument(plain, lost);
    case 'tool-call':
      return [plain.arguments === '' ? { ...plain, arguments: '{}' } : plain];
    case 'tool-result': {
      const { isError, ...result } = plain;
      const parts = plain.parts.flatMap((inner) => carried(inner, lost));
      return [{ ...result, parts, ...(isError && { isError }) }];
    }
    default:
      return [plain];
  }
}

function carriedDocument(document: DocumentPart, lost: ReadonlySet<string>): Part[] {
  const { source } = document;
  if (source.type === 'text') return [{ type: 'text', text: documentHeading(document) + source.text }];
  if (source.type === 'parts') {
    const heading = documentHeading(document).trimEnd();
    const inner = source.parts.flatMap((part) => carried(part, lost));
    return heading === '' ? inner : [{ type: 'text', text: heading }, ...inner];
  }
  const { context, citations, ...rest } = document;
  const kept = { title: 'document.pdf', ...rest };
  if (context !== undefined && !lost.has('document.context')) return [{ ...kept, context }];
  return [citations && !lost.has('citations') ? { ...kept, citations } : kept];
}

function carriedTool(tool: Tool, lost: ReadonlySet<string>): Tool {
  if (tool.type !== 'function') return tool;
  const { cache, deferLoading, ...rest } = tool;
  return {
    ...rest,
    ...(cache && !lost.has('cache_control') && { cache }),
    ...(deferLoading && !lost.has('defer_loading') && { deferLoading }),
  };
}

/** Chat has one word for it; an adaptive depth is what it does without the word. */
function carriedReasoning(reasoning: Reasoning, lost: ReadonlySet<string>): Reasoning | undefined {
  const { mode, effort, budgetTokens } = reasoning;
  if (mode === 'disabled') return { mode };
  if (effort !== undefined) return { mode: 'enabled', effort };
  if (budgetTokens === undefined) return undefined;
  return lost.has('thinking.budget_tokens') ? { mode: 'enabled', effort: 'low' } : reasoning;
}

function mapParts(message: Message, change: (part: Part) => Part): Message {
  return { ...message, parts: message.parts.map(change) };
}

function mapAllParts(message: Message, change: (part: Part) => Part[]): Message {
  return { ...message, parts: message.parts.flatMap(change) };
}

function mergeUsers(messages: readonly Message[]): Message[] {
  const merged: Message[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === 'user' && message.role === 'user') last.parts = [...last.parts, ...message.parts];
    else merged.push({ ...message });
  }
  return merged;
}

function absentGone(value: object): unknown {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
