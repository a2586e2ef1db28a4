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

/** Files as OpenAI names them, so that a conversation can be sent at all. */
export function withOpenaiFiles(conversation: Conversation): Conversation {
  return JSON.parse(JSON.stringify(conversation).replaceAll('"file_', '"file-')) as Conversation;
}

/**
 * What must come back of a conversation that went out to a Responses upstream: itself without what was *reported* as lost,
 * in the forms that Responses has for the rest (documents that are text become text, defaults are filled in).
 */
export function expectedFromResponses(conversation: Conversation, lost: ReadonlySet<string>): unknown {
  const { messages, tools, reasoning, sampling, outputFormat, stopSequences, maxOutputTokens, ...rest } = conversation;
  const { topK, presencePenalty, frequencyPenalty, seed, ...carriedSampling } = sampling;
  const absent = (value: unknown, feature: string): unknown => (lost.has(feature) ? undefined : value);
  return spelledAlike({
    ...rest,
    messages: messages.map((message) => ({
      ...message,
      parts: message.parts.flatMap((part) => carried(part, lost)),
    })) as Message[],
    tools: tools.map((tool) => carriedTool(tool, lost)),
    reasoning: reasoning && carriedReasoning(reasoning, lost),
    sampling: withoutAbsent({
      ...carriedSampling,
      topK: absent(topK, 'top_k'),
      presencePenalty: absent(presencePenalty, 'presence_penalty'),
      frequencyPenalty: absent(frequencyPenalty, 'frequency_penalty'),
      seed: absent(seed, 'seed'),
    }),
    outputFormat:
      outputFormat?.type === 'json-schema' ? { strict: false, name: 'response', ...outputFormat } : outputFormat,
    stopSequences: lost.has('stop_sequences') ? undefined : stopSequences,
    maxOutputTokens:
      maxOutputTokens === undefined ? undefined : Math.min(maxOutputTokens, CAPABLE_TARGET.maxOutputTokens),
  });
}

/** One form for what has several: names restored, neighbouring messages of one role one, tools by name. */
export function spelledAlike(
  conversation: Record<string, unknown> & Pick<Conversation, 'messages' | 'tools'>,
  toolNames: ReadonlyMap<string, string> = new Map(),
): unknown {
  const own = (name: string): string => toolNames.get(name) ?? name;
  const toolChoice = conversation.toolChoice as Conversation['toolChoice'];
  const messages: Message[] = [];
  for (const message of conversation.messages) {
    const parts = message.parts.map((part) => (part.type === 'tool-call' ? { ...part, name: own(part.name) } : part));
    const last = messages.at(-1);
    if (last !== undefined && last.role === message.role && message.role !== 'system') last.parts.push(...parts);
    else messages.push({ ...message, parts });
  }
  const tools = conversation.tools.map((tool) => ({ ...tool, name: own(tool.name) }));
  return withoutAbsent({
    ...conversation,
    messages,
    tools: tools.sort((left, right) => (left.name < right.name ? -1 : 1)),
    toolChoice: toolChoice?.type === 'tool' ? { ...toolChoice, name: own(toolChoice.name) } : toolChoice,
  });
}

function carried(part: Part, lost: ReadonlySet<string>): Part[] {
  const { cache, ...bare } = part;
  const plain = (lost.has('cache_control') || cache === undefined ? bare : part) as Part;
  switch (plain.type) {
    case 'thinking':
      return plain.signedBy !== 'openai-responses' && lost.has('thinking') ? [] : [plain];
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
  const { context, citations, title, ...rest } = document;
  const isNamed = source.type === 'base64';
  return [
    {
      ...rest,
      ...(isNamed && { title: title ?? 'document.pdf' }),
      ...(!isNamed && title !== undefined && !lost.has('document.title') && { title }),
      ...(context !== undefined && !lost.has('document.context') && { context }),
      ...(citations && !lost.has('citations') && { citations }),
    },
  ];
}

function carriedTool(tool: Tool, lost: ReadonlySet<string>): Tool {
  if (tool.type !== 'function') return tool;
  const { cache, ...rest } = tool;
  return { strict: false, ...rest, ...(cache && !lost.has('cache_control') && { cache }) };
}

/** The API has one word for it; an adaptive depth is what it does without the word. */
function carriedReasoning({ mode, effort, budgetTokens }: Reasoning, lost: ReadonlySet<string>): unknown {
  if (mode === 'disabled') return { mode };
  if (effort !== undefined) return { mode: 'enabled', effort };
  if (budgetTokens === undefined) return undefined;
  // A budget asks to see the thinking, without saying so.
  return lost.has('thinking.budget_tokens') ? { mode: 'enabled', effort: 'low', display: 'auto' } : { mode, budgetTokens };
}

function withoutAbsent(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
