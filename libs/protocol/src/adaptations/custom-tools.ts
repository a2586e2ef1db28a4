import type { Conversation, CustomTool, FunctionTool, Message, Part } from '../conversation';
import { isJsonObject, type JsonValue } from '../json';
import type { Loss } from '../loss';
import type { Reply } from '../reply';
import type { StreamEvent } from '../stream-event';
import type { AdaptedReply, Changed, ReplyChange, StreamAdapter } from './change';
import { FreeTextReader, INPUT, readFreeText, writeFreeText } from './free-text';

const ARGUMENTS_LOSS = 'custom_tool.arguments';

/**
 * Free-text tools as functions of one text, for upstreams that know only functions. What the model is told of the text stays;
 * that the provider holds it to a grammar does not, which is a loss.
 */
export function customToolsToFunctions(conversation: Conversation, losses: Loss[]): Changed {
  const names = customNames(conversation);
  if (names.size === 0) return { conversation };
  const tools = conversation.tools.map((tool, index) => {
    if (tool.type !== 'custom') return tool;
    if (grammarOf(tool.format) !== undefined) {
      losses.push({ feature: 'custom_tool.format', path: `tools[${index}].format` });
    }
    return asFunction(tool);
  });
  const messages = conversation.messages.map(withFunctionCalls);
  return { conversation: { ...conversation, tools, messages }, change: new CustomToolsChange(names) };
}

/** A tool of history may be offered no more, and still be called. */
function customNames({ tools, messages }: Conversation): Set<string> {
  const names = new Set<string>();
  for (const { parts } of messages) {
    for (const part of parts) if (part.type === 'tool-call' && part.custom === true) names.add(part.name);
  }
  for (const tool of tools) if (tool.type === 'function') names.delete(tool.name);
  for (const tool of tools) if (tool.type === 'custom') names.add(tool.name);
  return names;
}

function asFunction({ format, ...tool }: CustomTool): FunctionTool {
  return {
    ...tool,
    type: 'function',
    description: describe(tool.description, grammarOf(format)),
    inputSchema: {
      type: 'object',
      properties: { [INPUT]: { type: 'string', description: 'The text, as the tool is to get it.' } },
      required: [INPUT],
      additionalProperties: false,
    },
  };
}

function describe(description: string | undefined, grammar: string | undefined): string {
  const told = [`This tool takes free text: the whole of it goes, as it is, into "${INPUT}".`];
  if (description !== undefined) told.unshift(description);
  if (grammar !== undefined) told.push(grammar);
  return told.join('\n\n');
}

/** `{type:'grammar', grammar:{syntax, definition}}` of Chat, the same without the inner object of Responses. */
function grammarOf(format: JsonValue | undefined): string | undefined {
  if (!isJsonObject(format) || format.type === 'text') return undefined;
  const { syntax, definition } = isJsonObject(format.grammar) ? format.grammar : format;
  if (typeof definition !== 'string') return `The text has to be of this format:\n${JSON.stringify(format)}`;
  const named = typeof syntax === 'string' ? ` (${syntax})` : '';
  return `The text has to conform to this grammar${named}:\n${definition}`;
}

function withFunctionCalls(message: Message): Message {
  if (!message.parts.some((part) => part.type === 'tool-call' && part.custom === true)) return message;
  return { ...message, parts: message.parts.map(asFunctionCall) };
}

function asFunctionCall(part: Part): Part {
  if (part.type !== 'tool-call' || part.custom !== true) return part;
  const { custom: _, ...call } = part;
  return { ...call, arguments: writeFreeText(part.arguments) };
}

class CustomToolsChange implements ReplyChange {
  readonly name = 'custom-tools';

  constructor(private readonly names: ReadonlySet<string>) {}

  reply(reply: Reply): AdaptedReply {
    const losses: Loss[] = [];
    const parts = reply.parts.map((part, index): Part => {
      if (part.type !== 'tool-call' || !this.names.has(part.name)) return part;
      const { text, hasLost } = readFreeText(part.arguments);
      if (hasLost) losses.push({ feature: ARGUMENTS_LOSS, path: `content[${index}].arguments` });
      return { ...part, arguments: text, custom: true };
    });
    return { ok: true, value: { ...reply, parts }, losses };
  }

  stream(): StreamAdapter {
    return new CustomToolsStream(this.names);
  }
}

class CustomToolsStream implements StreamAdapter {
  /** Of the call that is open, where it is one of a free-text tool. */
  private reader: FreeTextReader | undefined;

  constructor(private readonly names: ReadonlySet<string>) {}

  push(event: StreamEvent): StreamEvent[] {
    if (event.type === 'block-start') return [this.start(event)];
    const { reader } = this;
    if (reader === undefined) return [event];
    if (event.type === 'arguments-delta') return deltas(reader.push(event.json));
    if (event.type !== 'block-stop') return [event];
    this.reader = undefined;
    const out = deltas(reader.end());
    if (reader.hasLost) out.push({ type: 'loss', loss: { feature: ARGUMENTS_LOSS, path: 'stream' } });
    out.push(event);
    return out;
  }

  private start(event: StreamEvent & { type: 'block-start' }): StreamEvent {
    const { block } = event;
    if (block.type !== 'tool-call' || !this.names.has(block.name)) return event;
    this.reader = new FreeTextReader();
    return { type: 'block-start', block: { ...block, custom: true } };
  }
}

function deltas(text: string): StreamEvent[] {
  return text === '' ? [] : [{ type: 'arguments-delta', json: text }];
}
