import type { BudgetState, Denial, DenialReason } from '@switchboard/contracts';
import { denialError, type Refused } from './denial-error';
import { errorReply } from './error-reply';

const NOW_MS = Date.UTC(2026, 10, 27, 12);
const USD = 1e9;

const BUDGET: BudgetState = {
  ...{ id: 'budget', nanoUsd: 25 * USD, period: 'month', periodStartMs: Date.UTC(2026, 10, 1) },
  ...{ spentNanoUsd: 24 * USD, heldNanoUsd: 0.75 * USD },
};
const CREDITS: BudgetState = { ...BUDGET, id: 'credits', period: 'total', periodStartMs: 0 };

function refused(reason: DenialReason, changes: Partial<Denial> = {}): Refused {
  return {
    denial: { outcome: 'denied', scope: 'key:k', reason, rates: {}, ...changes },
    ...{ inputTokens: 3_000, outputTokens: 500, nanoUsd: 2 * USD, nowMs: NOW_MS },
  };
}

const replies = (of: Refused) => ({
  anthropic: errorReply(denialError(of, 'anthropic-messages'), 'anthropic-messages', 'req_1'),
  openai: errorReply(denialError(of, 'openai-chat'), 'openai-chat', 'req_1'),
});
const wordsOf = (of: Refused): string => denialError(of, 'openai-chat').publicMessage;

const RATE = { retryAfterMs: 1_500, limit: 10 };

describe.each([
  ['requests', RATE, 'requests', 'this API key has a limit of 10 requests per minute. Try again in 1.5s.'],
  ['inputTokens', RATE, 'tokens', '10 input tokens per minute, and this request has about 3000 input tokens. Try'],
  ['outputTokens', RATE, 'tokens', '10 output tokens per minute, and this request may have up to 500 output tokens.'],
  ['tokens', RATE, 'tokens', '10 tokens per minute, and this request has about 3500 tokens. Try again in 1.5s.'],
  ['concurrency', RATE, 'concurrency', 'a limit of 10 requests at once. Try again when one has ended.'],
  ['held', { retryAfterMs: 250, budget: BUDGET }, 'budget_held', '$0.25 is free: $0.75 is set aside for requests'],
] as const)('a call refused for %s', (reason, met, code, words) => {
  const { anthropic, openai } = replies(refused(reason, met));

  it('is told so with 429 in both dialects, when to come again, and in words', () => {
    expect(anthropic).toMatchObject({
      status: 429,
      body: { type: 'error', error: { type: 'rate_limit_error', message: expect.stringContaining(words) } },
    });
    expect(openai).toMatchObject({
      status: 429,
      body: { error: { type: 'rate_limit_exceeded', code, message: expect.stringContaining(words), param: null } },
    });
    for (const { headers } of [anthropic, openai]) {
      expect(headers['retry-after']).toBe(met.retryAfterMs > 1_000 ? '2' : '1');
      expect(headers).not.toHaveProperty('x-should-retry');
    }
  });
});

describe.each([
  ['budget', BUDGET, 'budget_exceeded', 'and $1.00 is left of the budget ($25.00 per month) of this API key.'],
  ['credits', CREDITS, 'insufficient_credits', 'Your credit balance is too low: $1.00 is left, and this request could'],
] as const)('a call that the %s cannot pay', (reason, budget, code, words) => {
  const { anthropic, openai } = replies(refused(reason, { budget }));

  it('is told so with 402 in both dialects, and not to come again', () => {
    expect(anthropic).toMatchObject({
      status: 402,
      body: { type: 'error', error: { type: 'invalid_request_error', message: expect.stringContaining(words) } },
    });
    expect(openai).toMatchObject({
      status: 402,
      body: { error: { type: 'insufficient_quota', code, message: expect.stringContaining(words) } },
    });
    for (const { headers } of [anthropic, openai]) {
      expect(headers).not.toHaveProperty('retry-after');
      expect(headers['x-should-retry']).toBe('false');
    }
  });
});

describe('what never fits', () => {
  it.each([
    ['requests', 0, 'Rate limit reached: this API key has a limit of 0 requests per minute.'],
    [
      'inputTokens',
      2_000,
      'This request is too large: it has about 3000 input tokens, and this API key has a limit of 2000 input tokens per minute. Send less at once.',
    ],
    [
      'outputTokens',
      1,
      'This request is too large: it may have up to 500 output tokens, and this API key has a limit of 1 output tokens per minute. Ask for less at once.',
    ],
    [
      'tokens',
      10,
      'This request is too large: it has about 3500 tokens, and this API key has a limit of 10 tokens per minute. Send less at once.',
    ],
  ] as const)('into a limit of %s is told why, to wait long and not to retry', (reason, limit, words) => {
    const of = refused(reason, { limit });
    expect(wordsOf(of)).toBe(words);
    for (const { status, headers } of Object.values(replies(of))) {
      expect(status).toBe(429);
      expect(headers).toMatchObject({ 'retry-after': '60', 'x-should-retry': 'false' });
    }
  });
});

it('every 429 says to wait a second at least', () => {
  for (const retryAfterMs of [0, 1, 999, 1_000, 1_001]) {
    const { headers } = replies(refused('requests', { retryAfterMs, limit: 1 })).openai;
    expect(headers['retry-after']).toBe(retryAfterMs > 1_000 ? '2' : '1');
  }
});

it('the limits are in the headers, under the names of the client’s dialect', () => {
  const rates = { requests: { limit: 10, remaining: 0, resetMs: 6_000 } };
  const { anthropic, openai } = replies(refused('requests', { ...RATE, rates }));
  expect(anthropic.headers).toMatchObject({
    'anthropic-ratelimit-requests-limit': 10,
    'anthropic-ratelimit-requests-remaining': 0,
    'anthropic-ratelimit-requests-reset': '2026-11-27T12:00:06Z',
  });
  expect(openai.headers).toMatchObject({ 'x-ratelimit-remaining-requests': 0, 'x-ratelimit-reset-requests': '6s' });
});

describe('the words about money', () => {
  const budget = (changes: Partial<BudgetState>, scope = 'key:k') =>
    wordsOf(refused('budget', { budget: { ...BUDGET, ...changes }, scope }));

  it('say what is left, what the call could cost, and when the budget begins anew', () => {
    expect(budget({})).toBe(
      'This request could cost up to $2.00, and $1.00 is left of the budget ($25.00 per month) of this API key. ' +
        'A lower max_tokens makes it cost less. It begins anew at 2026-12-01T00:00Z.',
    );
  });

  it('say that all is used up where nothing is left, or more than all', () => {
    for (const spentNanoUsd of [25 * USD, 26 * USD]) {
      expect(budget({ spentNanoUsd }, 'tenant:t')).toBe(
        'The budget ($25.00 per month) of this tenant is used up. It begins anew at 2026-12-01T00:00Z.',
      );
    }
  });

  it('tell no new beginning where there is none, or where it is past', () => {
    expect(budget({ period: 'total', periodStartMs: 0 })).toMatch(/budget \(\$25\.00\) of this API key\..*less\.$/);
    expect(budget({ periodStartMs: Date.UTC(2026, 8, 1) })).not.toContain('begins anew');
  });

  it('name credits, and never less than nothing', () => {
    const credits = (changes: Partial<BudgetState>) => refused('credits', { budget: { ...CREDITS, ...changes } });
    expect(wordsOf(credits({ spentNanoUsd: 30 * USD }))).toBe(
      'Your credit balance is too low: $0.00 is left, and this request could cost up to $2.00. ' +
        'Top up the credits, or send a lower max_tokens.',
    );
    const held = refused('held', {
      budget: { ...CREDITS, heldNanoUsd: 9 * USD },
      retryAfterMs: 250,
      scope: 'tenant:t',
    });
    expect(wordsOf(held)).toBe(
      'This request could cost up to $2.00. Of the credits ($25.00) of this tenant $0.00 is free: ' +
        '$9.00 is set aside for requests under way. Try again shortly.',
    );
  });

  it('do without a budget that was not told', () => {
    expect(wordsOf(refused('budget'))).toBe('The budget of this API key is used up.');
    expect(wordsOf(refused('credits'))).toContain('$0.00 is left');
    expect(wordsOf(refused('held', { retryAfterMs: 1 }))).toContain('set aside for requests under way');
  });

  it('never show two amounts that differ as one', () => {
    const of = refused('budget', { budget: { ...BUDGET, spentNanoUsd: 24.9504 * USD } });
    expect(wordsOf({ ...of, nanoUsd: 0.0502 * USD })).toContain('up to $0.0502, and $0.0496 is left');
  });
});
