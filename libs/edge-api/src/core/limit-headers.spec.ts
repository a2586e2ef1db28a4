import fc from 'fast-check';
import type { RateState, RateStates } from '@switchboard/contracts';
import { duration, limitHeaders } from './limit-headers';

const NOW_MS = Date.UTC(2026, 10, 27, 12, 0, 0);
const state = (limit: number, remaining: number, resetMs: number): RateState => ({ limit, remaining, resetMs });

const RATES: RateStates = {
  requests: state(60, 59, 1_000),
  inputTokens: state(40_000, 30_000, 15_000),
  outputTokens: state(8_000, 2_000, 45_000),
};

describe('limits in an Anthropic client’s headers', () => {
  it('are told under the names of the API, with times of RFC 3339', () => {
    expect(limitHeaders(RATES, 'anthropic-messages', NOW_MS)).toEqual({
      'anthropic-ratelimit-requests-limit': 60,
      'anthropic-ratelimit-requests-remaining': 59,
      'anthropic-ratelimit-requests-reset': '2026-11-27T12:00:01Z',
      'anthropic-ratelimit-input-tokens-limit': 40_000,
      'anthropic-ratelimit-input-tokens-remaining': 30_000,
      'anthropic-ratelimit-input-tokens-reset': '2026-11-27T12:00:15Z',
      'anthropic-ratelimit-output-tokens-limit': 8_000,
      'anthropic-ratelimit-output-tokens-remaining': 2_000,
      'anthropic-ratelimit-output-tokens-reset': '2026-11-27T12:00:45Z',
      'anthropic-ratelimit-tokens-limit': 8_000,
      'anthropic-ratelimit-tokens-remaining': 2_000,
      'anthropic-ratelimit-tokens-reset': '2026-11-27T12:00:45Z',
    });
  });

  it('never tell a time before all is there again', () => {
    fc.assert(
      fc.property(fc.nat({ max: 86_400_000 }), fc.nat({ max: 3_600_000 }), (passedMs, resetMs) => {
        const headers = limitHeaders({ requests: state(1, 0, resetMs) }, 'anthropic-messages', NOW_MS + passedMs);
        const told = String(headers['anthropic-ratelimit-requests-reset']);
        expect(told).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        const early = NOW_MS + passedMs + resetMs - Date.parse(told);
        expect(early).toBeLessThanOrEqual(0);
        expect(early).toBeGreaterThan(-1_000);
      }),
    );
  });
});

describe('limits in an OpenAI client’s headers', () => {
  it('are told under the names of the API, with durations', () => {
    expect(limitHeaders(RATES, 'openai-chat', NOW_MS)).toEqual({
      'x-ratelimit-limit-requests': 60,
      'x-ratelimit-remaining-requests': 59,
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': 8_000,
      'x-ratelimit-remaining-tokens': 2_000,
      'x-ratelimit-reset-tokens': '45s',
    });
  });
});

describe('of tokens the one figure', () => {
  const tokens = (rates: RateStates) => limitHeaders(rates, 'openai-chat', NOW_MS)['x-ratelimit-limit-tokens'];

  it('is of the limit of which the smaller share is left', () => {
    expect(tokens({ inputTokens: state(1_000, 100, 1), outputTokens: state(50, 25, 1) })).toBe(1_000);
    expect(tokens({ inputTokens: state(1_000, 600, 1), outputTokens: state(50, 25, 1) })).toBe(50);
    expect(tokens({ inputTokens: state(0, 0, 0), outputTokens: state(50, 25, 1) })).toBe(0);
  });

  it('is of the only limit, where there is one', () => {
    expect(tokens({ inputTokens: state(1_000, 1, 1) })).toBe(1_000);
    expect(tokens({ outputTokens: state(50, 49, 1) })).toBe(50);
  });
});

it.each(['anthropic-messages', 'openai-chat'] as const)('nothing is told of what is unlimited, in %s', (dialect) => {
  expect(limitHeaders({}, dialect, NOW_MS)).toEqual({});
  expect(Object.keys(limitHeaders({ requests: state(1, 1, 0) }, dialect, NOW_MS))).toHaveLength(3);
});

describe('a duration', () => {
  it.each([
    [0, '0s'],
    [12, '12ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [1_001, '1.1s'],
    [1_500, '1.5s'],
    [12_345, '12.4s'],
    [59_900, '59.9s'],
    [59_950, '1m0s'],
    [60_000, '1m0s'],
    [60_001, '1m1s'],
    [119_000, '1m59s'],
    [119_001, '2m0s'],
    [119_950, '2m0s'],
    [360_000, '6m0s'],
    [3_600_000, '60m0s'],
  ])('of %i ms is written %s', (ms, written) => {
    expect(duration(ms)).toBe(written);
  });

  it('is never less than what it stands for, and reads as OpenAI’s do', () => {
    fc.assert(
      fc.property(fc.nat({ max: 7_200_000 }), (ms) => {
        const written = duration(ms);
        const [, minutes, seconds, millis] =
          /^(?:(\d+)m(?=\d+s))?(?:(\d+(?:\.\d)?)s)?(?:(\d+)ms)?$/.exec(written) ?? [];
        const readMs = Number(minutes ?? 0) * 60_000 + Number(seconds ?? 0) * 1_000 + Number(millis ?? 0);
        expect(readMs).toBeGreaterThanOrEqual(ms);
        expect(readMs).toBeLessThan(ms + 1_000);
        expect(Number(seconds ?? 0)).toBeLessThan(60);
      }),
      { numRuns: 1_000 },
    );
  });
});
