import type { Conversation, FunctionTool, Message, OutputFormat, Tool } from '../conversation';
import type { Decoded, Fault } from '../dialect';
import { fieldFeature, type Loss } from '../loss';
import { invert, shortenToolNames } from '../tool-names';
import type { AdaptationTarget, Changed } from './change';
import { answerFormat, isSelfContained, type CallRule } from './emulated-format';
import { isCall, writeHistory } from './emulated-history';
import { CALLS_ARE_OVER, toolsPrompt } from './emulated-prompt';
import { EmulatedToolsChange } from './emulated-tools-change';

/** Whether a conversation has anything that a model without tools could not be sent. */
export function usesTools({ tools, messages }: Conversation): boolean {
  if (tools.some(({ type }) => type !== 'server')) return true;
  return messages.some(({ parts }) => parts.some(({ type }) => type === 'tool-call' || type === 'tool-result'));
}

/**
 * Tools for a model that has none: it is told of them in words, writes its calls as JSON, held to that by a schema where it
 * takes one, and sees the calls and results of history the same way. Free-text tools must be functions by now; those of a
 * provider are left to the dialects.
 */
export function emulateTools(conversation: Conversation, target: AdaptationTarget, losses: Loss[]): Decoded<Changed> {
  if (!usesTools(conversation)) return { ok: true, value: { conversation } };
  const { tools, toolChoice, parallelToolCalls: _, messages, outputFormat: asked, ...rest } = conversation;
  const short = shortenToolNames(conversation);
  const sentName = (own: string): string => short.get(own) ?? own;
  const functions = tools.filter(isFunction).map((tool) => ({ ...tool, name: sentName(tool.name) }));
  const rule = callRule(conversation, functions, sentName);
  if ('message' in rule) return { ok: false, fault: rule };
  const callCount = messages.reduce((count, { parts }) => count + parts.filter(isCall).length, 0);
  const history = writeHistory(messages, sentName, losses);
  const others = tools.filter((tool) => tool.type !== 'function');
  const changed: Conversation = { ...rest, tools: others, messages: history };
  if (others.length > 0 && toolChoice !== undefined && toolChoice.type !== 'tool') changed.toolChoice = toolChoice;
  loseHints(tools, target, losses);
  if (rule.tools.length === 0) {
    if (asked !== undefined) changed.outputFormat = asked;
    if (callCount > 0) changed.messages = withSystemText(history, CALLS_ARE_OVER);
    // Held to a schema of the client's own, a model writes nothing of ours.
    if (asked !== undefined) return { ok: true, value: { conversation: changed } };
  } else {
    changed.messages = withSystemText(history, toolsPrompt(functions, rule, asked));
    constrain(changed, rule, asked, target, losses);
  }
  loseWhatCounts(changed, losses);
  return {
    ok: true,
    value: { conversation: changed, change: new EmulatedToolsChange({ ownNames: invert(short), callCount }) },
  };
}

function isFunction(tool: Tool): tool is FunctionTool {
  return tool.type === 'function';
}

/** Of no tools: none may be called. */
function callRule(
  { toolChoice, parallelToolCalls }: Conversation,
  functions: readonly FunctionTool[],
  sentName: (own: string) => string,
): CallRule | Fault {
  const most = parallelToolCalls === false ? 1 : undefined;
  switch (toolChoice?.type) {
    case 'none':
      return { tools: [], least: 0, most };
    case 'tool': {
      const wanted = sentName(toolChoice.name);
      const tools = functions.filter(({ name }) => name === wanted);
      if (tools.length > 0) return { tools, least: 1, most };
      return {
        message: `'tool_choice' names the tool '${toolChoice.name}', which is not given.`,
        param: 'tool_choice',
      };
    }
    case 'required':
      if (functions.length > 0) return { tools: functions, least: 1, most };
      return { message: `'tool_choice' demands a tool call, but no tools are given.`, param: 'tool_choice' };
    default:
      return { tools: functions, least: 0, most };
  }
}

function constrain(
  changed: Conversation,
  rule: CallRule,
  asked: OutputFormat | undefined,
  { structuredOutputs }: AdaptationTarget,
  losses: Loss[],
): void {
  if (structuredOutputs) changed.outputFormat = answerFormat(rule, asked);
  if (asked === undefined) return;
  const holds = structuredOutputs && (asked.type === 'json-object' || isSelfContained(asked.schema));
  if (!holds) losses.push({ feature: 'response_format', path: 'response_format' });
}

/** What a tool in words cannot have. */
function loseHints(tools: readonly Tool[], { structuredOutputs }: AdaptationTarget, losses: Loss[]): void {
  tools.forEach((tool, index) => {
    if (tool.type !== 'function') return;
    const path = `tools[${index}]`;
    if (tool.cache) losses.push({ feature: 'cache_control', path: `${path}.cache_control` });
    if (tool.deferLoading) losses.push({ feature: 'defer_loading', path: `${path}.defer_loading` });
    if (tool.strict === true && !(structuredOutputs && isSelfContained(tool.inputSchema))) {
      losses.push({ feature: 'strict', path: `${path}.strict` });
    }
    for (const { path: field } of tool.unmapped ?? []) losses.push({ feature: fieldFeature(field), path: field });
  });
}

/** What is counted or matched in what the model writes, which now is JSON. */
function loseWhatCounts(conversation: Conversation, losses: Loss[]): void {
  const { logprobs, topLogprobs, ...sampling } = conversation.sampling;
  if (logprobs === true || topLogprobs !== undefined) losses.push({ feature: 'logprobs', path: 'logprobs' });
  conversation.sampling = sampling;
  conversation.stopSequences?.forEach((sequence, index) => {
    if (JSON.stringify(sequence) === `"${sequence}"`) return;
    losses.push({ feature: 'stop_sequences', path: `stop_sequences[${index}]` });
  });
}

/** At the end of the system prompt: many templates take one system message only. */
function withSystemText(messages: readonly Message[], text: string): Message[] {
  const part = { type: 'text' as const, text };
  const found = messages.findIndex(({ role }) => role !== 'system');
  const heads = found === -1 ? messages.length : found;
  const last = messages[heads - 1];
  if (last === undefined) return [{ role: 'system', parts: [part] }, ...messages];
  const extended: Message = { ...last, parts: [...last.parts, part] };
  return [...messages.slice(0, heads - 1), extended, ...messages.slice(heads)];
}
