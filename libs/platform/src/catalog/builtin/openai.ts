import type { PriceSheet } from '../price-sheet';
import { capabilities, type ModelFacts } from './model-facts';

// Prices, context windows and output limits as listed in November 2026:
// https://developers.openai.com/api/docs/pricing and https://developers.openai.com/api/docs/models,
// read through the copies in LiteLLM 1.109.1 (model_prices_and_context_window) and pi-ai 1.5.2 (2026-11-10).
// Cache writes: OpenAI sells 30 minutes and 12 hours; they stand here in the 5 minute and 1 hour columns.
// Left out: models served by the Responses API alone (the `-pro` and `-codex` ones) and those already retired.

const VISION = capabilities('vision', 'documents');
const REASONING = capabilities('vision', 'documents', 'reasoning');
const MILLION = { contextWindow: 1_050_000, maxOutputTokens: 128_000 };
const MEDIUM = { contextWindow: 400_000, maxOutputTokens: 128_000 };

/** Since GPT-5.4: over 272,000 prompt tokens, input and cache cost twice as much and output half as much again. */
function withLongPrompt(base: PriceSheet): PriceSheet {
  const twice = (usd: number | undefined): number | undefined => (usd === undefined ? undefined : usd * 2);
  return {
    ...base,
    longPrompt: {
      aboveInputTokens: 272_000,
      input: base.input * 2,
      output: base.output * 1.5,
      cacheRead: twice(base.cacheRead),
      cacheWrite5m: twice(base.cacheWrite5m),
      cacheWrite1h: twice(base.cacheWrite1h),
    },
  };
}

type GptFacts = Pick<ModelFacts, 'displayName' | 'description' | 'released' | 'pricing'> & Partial<ModelFacts>;

function gpt(name: string, facts: GptFacts, aliases: string[] = []): ModelFacts {
  return {
    id: `openai/${name}`,
    category: 'llm',
    aliases: [name, ...aliases],
    capabilities: REASONING,
    names: { openai: name, openrouter: `openai/${name}` },
    ...MEDIUM,
    ...facts,
  };
}

function embedding(name: string, displayName: string, inputPrice: number): ModelFacts {
  return {
    id: `openai/${name}`,
    displayName,
    description: 'Text embeddings.',
    category: 'embedding',
    released: '2024-01-25',
    aliases: [name],
    contextWindow: 8191,
    maxOutputTokens: 0,
    capabilities: { ...capabilities(), streaming: false, tools: 'none', structuredOutputs: false },
    pricing: { input: inputPrice, output: 0 },
    names: { openai: name },
  };
}

export const OPENAI_MODELS: readonly ModelFacts[] = [
  gpt('gpt-6-astra', {
    ...MILLION,
    displayName: 'GPT-6 Astra',
    description: 'The most capable GPT-6.',
    released: '2026-09-03',
    pricing: withLongPrompt({ input: 10, output: 50, cacheRead: 1, cacheWrite5m: 12.5, cacheWrite1h: 25 }),
  }),
  gpt('gpt-6.1-sol', {
    ...MILLION,
    displayName: 'GPT-6.1 Sol',
    description: 'For coding and professional work.',
    released: '2026-09-29',
    pricing: withLongPrompt({ input: 2, output: 10, cacheRead: 0.1, cacheWrite5m: 2.5, cacheWrite1h: 5 }),
  }),
  gpt('gpt-6.1-terra', {
    ...MILLION,
    displayName: 'GPT-6.1 Terra',
    description: 'Balanced price and capability.',
    released: '2026-10-26',
    pricing: withLongPrompt({ input: 1, output: 5, cacheRead: 0.05, cacheWrite5m: 1.25, cacheWrite1h: 2.5 }),
  }),
  gpt('gpt-6-sol', {
    ...MILLION,
    displayName: 'GPT-6 Sol',
    description: 'The previous Sol.',
    released: '2026-09-22',
    pricing: withLongPrompt({ input: 2, output: 10, cacheRead: 0.2, cacheWrite5m: 2.5, cacheWrite1h: 5 }),
  }),
  gpt('gpt-6-luna', {
    ...MILLION,
    displayName: 'GPT-6 Luna',
    description: 'Fast and cheap, for volume.',
    released: '2026-09-22',
    pricing: withLongPrompt({ input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite5m: 0.125, cacheWrite1h: 0.25 }),
  }),
  gpt(
    'gpt-5.6-sol',
    {
      ...MILLION,
      displayName: 'GPT-5.6 Sol',
      description: 'The flagship of GPT-5.6.',
      released: '2026-07-09',
      pricing: withLongPrompt({ input: 4, output: 20, cacheRead: 0.4, cacheWrite5m: 5, cacheWrite1h: 10 }),
    },
    ['gpt-5.6'],
  ),
  gpt(
    'gpt-5.5',
    {
      ...MILLION,
      displayName: 'GPT-5.5',
      description: 'The flagship of spring 2026.',
      released: '2026-04-23',
      pricing: withLongPrompt({ input: 5, output: 30, cacheRead: 0.5 }),
    },
    ['gpt-5.5-2026-04-23'],
  ),
  gpt(
    'gpt-5.4',
    {
      ...MILLION,
      displayName: 'GPT-5.4',
      description: 'For coding and professional work.',
      released: '2026-03-05',
      pricing: withLongPrompt({ input: 2.5, output: 15, cacheRead: 0.25 }),
    },
    ['gpt-5.4-2026-03-05'],
  ),
  gpt(
    'gpt-5.4-mini',
    {
      displayName: 'GPT-5.4 mini',
      description: 'A smaller, faster GPT-5.4.',
      released: '2026-03-17',
      pricing: { input: 0.75, output: 4.5, cacheRead: 0.075 },
    },
    ['gpt-5.4-mini-2026-03-17'],
  ),
  gpt(
    'gpt-5.2',
    {
      displayName: 'GPT-5.2',
      description: 'For coding and agents.',
      released: '2025-12-11',
      pricing: { input: 1.75, output: 14, cacheRead: 0.175 },
    },
    ['gpt-5.2-2025-12-11'],
  ),
  gpt(
    'gpt-5',
    {
      displayName: 'GPT-5',
      description: 'The first GPT-5; retired by its maker on 2026-12-11.',
      released: '2025-08-07',
      pricing: { input: 1.25, output: 10, cacheRead: 0.125 },
    },
    ['gpt-5-2025-08-07'],
  ),
  gpt(
    'gpt-5-mini',
    {
      displayName: 'GPT-5 mini',
      description: 'A smaller GPT-5; retired by its maker on 2026-12-11.',
      released: '2025-08-07',
      pricing: { input: 0.25, output: 2, cacheRead: 0.025 },
    },
    ['gpt-5-mini-2025-08-07'],
  ),
  gpt(
    'gpt-4.1',
    {
      displayName: 'GPT-4.1',
      description: 'Without reasoning, with a long context.',
      released: '2025-04-14',
      contextWindow: 1_047_576,
      maxOutputTokens: 32_768,
      capabilities: VISION,
      pricing: { input: 2, output: 8, cacheRead: 0.5 },
    },
    ['gpt-4.1-2025-04-14'],
  ),
  gpt(
    'gpt-4.1-mini',
    {
      displayName: 'GPT-4.1 mini',
      description: 'A smaller GPT-4.1.',
      released: '2025-04-14',
      contextWindow: 1_047_576,
      maxOutputTokens: 32_768,
      capabilities: VISION,
      pricing: { input: 0.4, output: 1.6, cacheRead: 0.1 },
    },
    ['gpt-4.1-mini-2025-04-14'],
  ),
  gpt('gpt-4o', {
    displayName: 'GPT-4o',
    description: 'The multimodal model of 2024.',
    released: '2024-05-13',
    contextWindow: 128_000,
    maxOutputTokens: 16_384,
    capabilities: VISION,
    pricing: { input: 2.5, output: 10, cacheRead: 1.25 },
  }),
  gpt(
    'gpt-4o-mini',
    {
      displayName: 'GPT-4o mini',
      description: 'A smaller GPT-4o.',
      released: '2024-07-18',
      contextWindow: 128_000,
      maxOutputTokens: 16_384,
      capabilities: VISION,
      pricing: { input: 0.15, output: 0.6, cacheRead: 0.075 },
    },
    ['gpt-4o-mini-2024-07-18'],
  ),
  gpt(
    'o3',
    {
      displayName: 'o3',
      description: 'Reasoning model; retired by its maker on 2026-12-11.',
      released: '2025-04-16',
      contextWindow: 200_000,
      maxOutputTokens: 100_000,
      pricing: { input: 2, output: 8, cacheRead: 0.5 },
    },
    ['o3-2025-04-16'],
  ),
  embedding('text-embedding-3-small', 'Text Embedding 3 Small', 0.02),
  embedding('text-embedding-3-large', 'Text Embedding 3 Large', 0.13),
];
