import type { Reasoning } from '../../conversation';
import type { Encoding } from './encoding';

/** OpenAI has words, not budgets: our reading of a budget as a word, reported as a loss because it cannot be undone. */
const LOW_BUDGET_TOKENS_MAX = 4_096;
const MEDIUM_BUDGET_TOKENS_MAX = 16_384;

export function decodeReasoningEffort(effort: string): Reasoning {
  return effort === 'none' ? { mode: 'disabled' } : { mode: 'enabled', effort };
}

/** The effort to send; undefined: none. An adaptive depth is what the models do when nothing is said. */
export function encodeReasoningEffort(reasoning: Reasoning, encoding: Encoding): string | undefined {
  const { mode, effort, budgetTokens } = reasoning;
  if (!encoding.target.reasoning) {
    if (mode !== 'disabled') encoding.lose('reasoning_effort', effort === undefined ? 'thinking' : 'reasoning_effort');
    return undefined;
  }
  if (budgetTokens !== undefined) encoding.lose('thinking.budget_tokens', 'thinking.budget_tokens');
  if (mode === 'disabled') return 'none';
  if (effort !== undefined) return effort;
  return budgetTokens === undefined ? undefined : effortOfBudget(budgetTokens);
}

function effortOfBudget(budgetTokens: number): string {
  if (budgetTokens <= LOW_BUDGET_TOKENS_MAX) return 'low';
  return budgetTokens <= MEDIUM_BUDGET_TOKENS_MAX ? 'medium' : 'high';
}
