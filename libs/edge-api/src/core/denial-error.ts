import { type BudgetState, type Denial, type ErrorCode, GatewayError, periodEndMs } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import { duration, limitHeaders } from './limit-headers';
import { formatUsd } from './format-usd';

/** Told where waiting does not help, since a 429 without it is final for some clients and a reason to hammer for others. */
const NEVER_SECONDS = 60;

/** What the refused call asked for. */
export interface Refused {
  denial: Denial;
  inputTokens: number;
  outputTokens: number;
  nanoUsd: number;
  nowMs: number;
}

/** The limiter's denial in words, with the limits in the headers of the client's dialect. */
export function denialError(refused: Refused, dialect: DialectId): GatewayError {
  const { denial, nowMs } = refused;
  const { code, message } = told(refused);
  const isMoney = denial.reason === 'budget' || denial.reason === 'credits';
  const retryAfterMs = denial.retryAfterMs ?? NEVER_SECONDS * 1000;
  const headers = limitHeaders(denial.rates, dialect, nowMs);
  if (denial.retryAfterMs === undefined) headers['x-should-retry'] = 'false';
  // Written out: a noisy client is told this a thousand times a second.
  return isMoney
    ? new GatewayError(code, message, { headers })
    : new GatewayError(code, message, { retryAfterSeconds: Math.ceil(retryAfterMs / 1000), headers });
}

function told(refused: Refused): { code: ErrorCode; message: string } {
  const { denial } = refused;
  const who = denial.scope.startsWith('key:') ? 'this API key' : 'this tenant';
  const per = `${who} has a limit of ${denial.limit}`;
  const again = denial.retryAfterMs === undefined ? '' : ` Try again in ${duration(denial.retryAfterMs)}.`;
  switch (denial.reason) {
    case 'requests':
      return { code: 'rate_limited_requests', message: `Rate limit reached: ${per} requests per minute.${again}` };
    case 'inputTokens':
      return { code: 'rate_limited_tokens', message: tokensText(refused, 'input', refused.inputTokens, per, again) };
    case 'outputTokens':
      return { code: 'rate_limited_tokens', message: tokensText(refused, 'output', refused.outputTokens, per, again) };
    case 'tokens':
      return {
        code: 'rate_limited_tokens',
        message: tokensText(refused, '', refused.inputTokens + refused.outputTokens, per, again),
      };
    case 'concurrency':
      return {
        code: 'rate_limited_concurrency',
        message: `Rate limit reached: ${per} requests at once. Try again when one has ended.`,
      };
    case 'held':
      return { code: 'budget_held', message: heldText(refused, who) };
    case 'budget':
      return { code: 'budget_exceeded', message: budgetText(refused, who) };
    case 'credits':
      return { code: 'insufficient_credits', message: creditsText(refused) };
  }
}

function tokensText({ denial }: Refused, kind: string, asked: number, per: string, again: string): string {
  const tokens = kind === '' ? 'tokens' : `${kind} tokens`;
  const counted = kind === 'output' ? `may have up to ${asked} ${tokens}` : `has about ${asked} ${tokens}`;
  if (denial.retryAfterMs !== undefined) {
    return `Rate limit reached: ${per} ${tokens} per minute, and this request ${counted}.${again}`;
  }
  const less = kind === 'output' ? 'Ask for less' : 'Send less';
  return `This request is too large: it ${counted}, and ${per} ${tokens} per minute. ${less} at once.`;
}

function heldText({ denial: { budget }, nanoUsd }: Refused, who: string): string {
  if (budget === undefined) return `What is left of the budget of ${who} is set aside for requests under way.`;
  const { heldNanoUsd } = budget;
  const free = Math.max(0, left(budget) - heldNanoUsd);
  return (
    `This request could cost up to ${formatUsd(nanoUsd)}. Of the ${named(budget)} of ${who} ` +
    `${formatUsd(free)} is free: ${formatUsd(heldNanoUsd)} is set aside for requests under way. Try again shortly.`
  );
}

function budgetText({ denial: { budget }, nanoUsd, nowMs }: Refused, who: string): string {
  if (budget === undefined) return `The budget of ${who} is used up.`;
  const rest = left(budget);
  if (rest > 0) {
    return (
      `This request could cost up to ${formatUsd(nanoUsd)}, and ${formatUsd(rest)} is left of the ${named(budget)} of ${who}. ` +
      `A lower max_tokens makes it cost less.${renewal(budget, nowMs)}`
    );
  }
  return `The ${named(budget)} of ${who} is used up.${renewal(budget, nowMs)}`;
}

/** Begins with the words that Claude Code knows a billing problem by. */
function creditsText({ denial: { budget }, nanoUsd }: Refused): string {
  const rest = budget === undefined ? 0 : Math.max(0, left(budget));
  return (
    `Your credit balance is too low: ${formatUsd(rest)} is left, and this request could cost up to ${formatUsd(nanoUsd)}. ` +
    'Top up the credits, or send a lower max_tokens.'
  );
}

function left({ nanoUsd, spentNanoUsd }: BudgetState): number {
  return nanoUsd - spentNanoUsd;
}

function named({ id, nanoUsd, period }: BudgetState): string {
  if (id === 'credits') return `credits (${formatUsd(nanoUsd)})`;
  return `budget (${formatUsd(nanoUsd)}${period === 'total' ? '' : ` per ${period}`})`;
}

function renewal({ period, periodStartMs }: BudgetState, nowMs: number): string {
  const endMs = periodEndMs(period, periodStartMs);
  if (endMs === undefined || endMs < nowMs) return '';
  return ` It begins anew at ${new Date(endMs).toISOString().slice(0, 16)}Z.`;
}
