import fc from 'fast-check';
import { arbitraryUsage } from '../../conversation.arbitrary';
import { totalInputTokens } from '../../usage';
import { decodeUsage, encodeUsage } from './usage';

describe('decodeUsage', () => {
  it('splits prompt_tokens into disjoint kinds and keeps completion_tokens whole', () => {
    const usage = decodeUsage({
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      completion_tokens_details: { reasoning_tokens: 40 },
    });
    expect(usage).toEqual({
      inputTokens: 10,
      cacheReadTokens: 60,
      cacheWrite5mTokens: 30,
      cacheWrite1hTokens: 0,
      outputTokens: 50,
      reasoningTokens: 40,
    });
  });

  it.each([
    ['DeepSeek', { prompt_tokens: 10, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 }, 6, 4],
    ['LiteLLM', { prompt_tokens: 10, cache_read_input_tokens: 4 }, 6, 4],
    ['servers that count cached tokens beside the prompt', { prompt_tokens: 1, cache_read_input_tokens: 4 }, 1, 4],
  ])('reads cached tokens of %s', (_, wire, input, cached) => {
    expect(decodeUsage(wire)).toMatchObject({ inputTokens: input, cacheReadTokens: cached });
  });

  it('adds reasoning that the total shows to stand beside completion_tokens (xAI)', () => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 22 };
    const details = { completion_tokens_details: { reasoning_tokens: 7 } };
    expect(decodeUsage({ ...usage, ...details })).toMatchObject({ outputTokens: 12, reasoningTokens: 7 });
  });

  it('takes null and garbage for nothing said', () => {
    expect(decodeUsage(null)).toBeUndefined();
    expect(decodeUsage('many')).toBeUndefined();
    expect(decodeUsage({ prompt_tokens: -1, completion_tokens: 5 })).toMatchObject({ inputTokens: 0, outputTokens: 5 });
    for (const nothing of [
      '{}',
      '{"prompt_tokens":-1,"completion_tokens":"x"}',
      '{"prompt_tokens":0,"total_tokens":0}',
    ]) {
      expect(decodeUsage(JSON.parse(nothing))).toBeUndefined();
    }
  });

  it('reads back exactly what encodeUsage wrote, and the totals add up', () => {
    fc.assert(
      fc.property(arbitraryUsage, (usage) => {
        const wire = encodeUsage(usage);
        expect(decodeUsage(wire)).toEqual(usage);
        expect(wire.total_tokens).toBe(totalInputTokens(usage) + usage.outputTokens);
      }),
    );
  });

  it('shows a cost only where one is given', () => {
    const usage = decodeUsage({ prompt_tokens: 1, completion_tokens: 2 });
    if (!usage) throw new Error('no usage');
    expect(encodeUsage(usage)).not.toHaveProperty('cost_usd');
    expect(encodeUsage(usage, ({ outputTokens }) => outputTokens / 4)).toMatchObject({ cost_usd: 0.5 });
  });
});
