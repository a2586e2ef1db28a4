import type { PriceSheet } from '../price-sheet';
import { capabilities, type ModelFacts } from './model-facts';

// Prices, context windows and output limits as listed in November 2026:
// https://platform.claude.com/docs/en/about-claude/pricing and /docs/en/about-claude/models/overview
// (Claude Haiku 5.5: /docs/en/models/haiku-5-5/overview; Claude Fable 5.2: /docs/en/models/fable-5-2/overview),
// read through the copies in LiteLLM 1.109.1 (model_prices_and_context_window) and pi-ai 1.5.2 (2026-11-10).
// Left out: Claude Sonnet 4.5, retired on 2026-11-30, and the Mythos models, which are by invitation.

const MILLION = { contextWindow: 1_000_000, maxOutputTokens: 128_000 };
const CLASSIC = { contextWindow: 200_000, maxOutputTokens: 64_000 };

const OPUS_5_PRICE: PriceSheet = { input: 5, output: 25, cacheRead: 0.5, cacheWrite5m: 6.25, cacheWrite1h: 10 };

type ClaudeFacts = Pick<ModelFacts, 'description' | 'released' | 'pricing' | 'contextWindow' | 'maxOutputTokens'>;

/**
 * `family` and `version` make every name: `sonnet`, `4.6` is `anthropic/claude-sonnet-4.6` here and on OpenRouter,
 * `claude-sonnet-4-6` at Anthropic.
 */
function claude(family: string, version: string, facts: ClaudeFacts, aliases: string[] = []): ModelFacts {
  const dotted = `claude-${family}-${version}`;
  const direct = dotted.replaceAll('.', '-');
  const names = new Set([dotted, direct, `anthropic/${direct}`, ...aliases]);
  names.delete(`anthropic/${dotted}`);
  return {
    id: `anthropic/${dotted}`,
    displayName: `Claude ${family.charAt(0).toUpperCase()}${family.slice(1)} ${version}`,
    category: 'llm',
    aliases: [...names],
    capabilities: capabilities('vision', 'documents', 'reasoning'),
    names: { anthropic: direct, openrouter: `anthropic/${dotted}` },
    ...facts,
  };
}

export const ANTHROPIC_MODELS: readonly ModelFacts[] = [
  claude(
    'fable',
    '5.2',
    {
      ...MILLION,
      description: 'The most capable Claude, for the hardest reasoning and long-running agents.',
      released: '2026-11-09',
      pricing: { input: 8, output: 40, cacheRead: 0.2, cacheWrite5m: 10, cacheWrite1h: 16 },
    },
    ['fable'],
  ),
  claude('fable', '5.1', {
    ...MILLION,
    description: 'The previous Fable.',
    released: '2026-09-01',
    pricing: { input: 10, output: 50, cacheRead: 0.25, cacheWrite5m: 12.5, cacheWrite1h: 20 },
  }),
  claude(
    'opus',
    '5.5',
    {
      ...MILLION,
      description: 'For complex coding and agents.',
      released: '2026-09-22',
      pricing: { input: 4, output: 20, cacheRead: 0.2, cacheWrite5m: 5, cacheWrite1h: 8 },
    },
    ['opus'],
  ),
  claude('opus', '5', {
    ...MILLION,
    description: 'The previous Opus generation.',
    released: '2026-07-24',
    pricing: OPUS_5_PRICE,
  }),
  claude('opus', '4.8', {
    ...MILLION,
    description: 'Opus of the fourth generation.',
    released: '2026-05-28',
    pricing: OPUS_5_PRICE,
  }),
  claude(
    'opus',
    '4.7',
    {
      ...MILLION,
      description: 'Opus of the fourth generation.',
      released: '2026-04-16',
      pricing: OPUS_5_PRICE,
    },
    ['claude-opus-4-7-20260416'],
  ),
  claude(
    'opus',
    '4.6',
    {
      ...MILLION,
      description: 'Opus of the fourth generation.',
      released: '2026-02-05',
      pricing: OPUS_5_PRICE,
    },
    ['claude-opus-4-6-20260205'],
  ),
  claude(
    'opus',
    '4.5',
    {
      ...CLASSIC,
      description: 'Opus of the fourth generation.',
      released: '2025-11-24',
      pricing: OPUS_5_PRICE,
    },
    ['claude-opus-4-5-20251101'],
  ),
  claude(
    'sonnet',
    '5.5',
    {
      ...MILLION,
      description: 'The best combination of speed and intelligence.',
      released: '2026-09-28',
      pricing: { input: 2, output: 10, cacheRead: 0.1, cacheWrite5m: 2.5, cacheWrite1h: 4 },
    },
    ['sonnet'],
  ),
  claude('sonnet', '5', {
    ...MILLION,
    description: 'The previous Sonnet generation.',
    released: '2026-06-30',
    pricing: { input: 2, output: 10, cacheRead: 0.2, cacheWrite5m: 2.5, cacheWrite1h: 4 },
  }),
  claude('sonnet', '4.6', {
    ...MILLION,
    description: 'Fast and intelligent.',
    released: '2026-02-17',
    pricing: { input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6 },
  }),
  claude(
    'haiku',
    '5.5',
    {
      ...MILLION,
      description: 'The fastest Claude, for classification, extraction and routing at volume.',
      released: '2026-10-07',
      pricing: {
        ...{ input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite5m: 0.125, cacheWrite1h: 0.2 },
        longPrompt: {
          aboveInputTokens: 100_000,
          ...{ input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite5m: 0.625, cacheWrite1h: 1 },
        },
      },
    },
    ['haiku'],
  ),
  claude(
    'haiku',
    '4.5',
    {
      ...CLASSIC,
      description: 'Haiku of the fourth generation.',
      released: '2025-10-15',
      pricing: { input: 1, output: 5, cacheRead: 0.1, cacheWrite5m: 1.25, cacheWrite1h: 2 },
    },
    ['claude-haiku-4-5-20251001'],
  ),
];
