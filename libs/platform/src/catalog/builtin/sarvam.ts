import { capabilities, type ModelFacts } from './model-facts';

// Limits: https://docs.sarvam.ai/api-reference-docs/getting-started/models/sarvam-30b (64K context).
// Sarvam lists its prices in rupees. The dollar prices here are those FastRouter publishes for the model, as collected
// in https://github.com/anomalyco/models.dev (providers/fastrouter, November 2026).
export const SARVAM_MODELS: readonly ModelFacts[] = [
  {
    id: 'sarvam-30b',
    displayName: 'Sarvam 30B',
    description: 'Indian languages, reasoning and conversation.',
    category: 'llm',
    released: '2026-02-18',
    aliases: ['sarvam/sarvam-30b'],
    contextWindow: 65_536,
    maxOutputTokens: 65_536,
    capabilities: capabilities('reasoning'),
    pricing: { input: 0.02, output: 0.1 },
    names: { sarvam: 'sarvam-30b' },
  },
];
