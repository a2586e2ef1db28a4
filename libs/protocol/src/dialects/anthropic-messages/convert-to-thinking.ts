import type { Conversation, Message } from '../../conversation';
import { THINKING_BUDGET_TOKENS_MIN } from './convert-from-params';
import { isSigned } from './convert-to-blocks';
import type { Encoding } from './encoding';
import { DIALECT_ID } from './wire';

export type ThinkingWire =
  | { type: 'enabled'; budget_tokens: number; display?: string }
  | { type: 'adaptive'; display?: string }
  | { type: 'disabled'; display?: string };

export interface ReasoningWire {
  thinking?: ThinkingWire;
  effort?: string;
}

/**
 * `thinking` and `output_config.effort`. An effort with reasoning on (what Chat's `reasoning_effort` means) becomes
 * adaptive thinking at that effort; an effort alone stays an effort.
 */
export function encodeReasoning(conversation: Conversation, encoding: Encoding): ReasoningWire {
  const { reasoning } = conversation;
  if (reasoning === undefined) return {};
  const { mode, effort } = reasoning;
  if (!encoding.target.reasoning) {
    if (mode === 'enabled' || mode === 'adaptive') encoding.lose('thinking', 'thinking');
    if (effort !== undefined) encoding.lose('reasoning_effort', 'reasoning_effort');
    return {};
  }
  const thinking = encodeThinking(conversation, encoding);
  const display = thinking === undefined || thinking.type === 'disabled' ? undefined : mapDisplay(reasoning.display);
  if (reasoning.display !== undefined && display === undefined) encoding.lose('thinking.display', 'thinking.display');
  const wire: ReasoningWire = {};
  if (thinking !== undefined) wire.thinking = thinking;
  if (display !== undefined && thinking !== undefined && thinking.type !== 'disabled') thinking.display = display;
  if (effort !== undefined) wire.effort = mapEffort(effort, encoding);
  return wire;
}

function encodeThinking(conversation: Conversation, encoding: Encoding): ThinkingWire | undefined {
  const { mode, budgetTokens } = conversation.reasoning ?? {};
  if (mode === undefined) return undefined;
  if (mode === 'disabled') return { type: 'disabled' };
  const { toolChoice, tools } = conversation;
  if (tools.length > 0 && (toolChoice?.type === 'required' || toolChoice?.type === 'tool')) {
    // The API refuses thinking beside a forced tool; the tool is what the client cannot do without.
    encoding.lose('thinking', 'thinking');
    return undefined;
  }
  if (mode === 'adaptive' || budgetTokens === undefined) return { type: 'adaptive' };
  return encodeBudget(conversation, budgetTokens, encoding);
}

function encodeBudget(conversation: Conversation, wanted: number, encoding: Encoding): ThinkingWire | undefined {
  const mostTokens = (conversation.maxOutputTokens ?? encoding.target.maxOutputTokens) - 1;
  if (mostTokens < THINKING_BUDGET_TOKENS_MIN || continuesUnsignedToolUse(conversation.messages)) {
    encoding.lose('thinking', 'thinking');
    return undefined;
  }
  const budget = Math.min(Math.max(wanted, THINKING_BUDGET_TOKENS_MIN), mostTokens);
  if (budget !== wanted) encoding.lose('thinking.budget_tokens', 'thinking.budget_tokens');
  return { type: 'enabled', budget_tokens: budget };
}

/**
 * With a thinking budget, an assistant turn whose tool results are being handed in must begin with its signed thinking;
 * clients of other dialects cannot have kept it. (Adaptive thinking does not demand it.)
 */
function continuesUnsignedToolUse(messages: readonly Message[]): boolean {
  const last = messages.findLast(({ role }) => role === 'assistant');
  if (last === undefined || !last.parts.some(({ type }) => type === 'tool-call')) return false;
  const isLastTurn = messages
    .slice(messages.indexOf(last))
    .some(({ parts }) => parts.some(({ type }) => type === 'tool-result'));
  const first = last.parts[0];
  const beginsSigned =
    first?.type === 'redacted-thinking' ? first.signedBy === DIALECT_ID : first?.type === 'thinking' && isSigned(first);
  return isLastTurn && !beginsSigned;
}

function mapDisplay(display: string | undefined): string | undefined {
  switch (display) {
    case 'summarized':
    case 'omitted':
    case 'updates':
      return display;
    // Responses `reasoning.summary`.
    case 'auto':
    case 'concise':
    case 'detailed':
      return 'summarized';
    default:
      return undefined;
  }
}

/** The API begins at `low`. */
function mapEffort(effort: string, encoding: Encoding): string {
  if (effort !== 'minimal') return effort;
  encoding.lose('reasoning_effort', 'reasoning_effort');
  return 'low';
}
