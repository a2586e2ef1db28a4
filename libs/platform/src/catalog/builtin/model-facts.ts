import type { Capabilities } from '@switchboard/contracts';
import type { PriceSheet } from '../price-sheet';

/** Who can serve a built-in model, in the order they are tried: the maker first, the reseller last. */
export const SERVICES = ['anthropic', 'openai', 'sarvam', 'openrouter'] as const;
export type Service = (typeof SERVICES)[number];

/** What is public about a model. Prices in USD per million tokens, as its provider lists them. */
export interface ModelFacts {
  id: string;
  displayName: string;
  description: string;
  category: 'llm' | 'embedding';
  /** Release date, `YYYY-MM-DD`. */
  released: string;
  aliases: readonly string[];
  contextWindow: number;
  maxOutputTokens: number;
  capabilities: Capabilities;
  pricing: PriceSheet;
  /** The model's name at each service that has it. */
  names: Readonly<Partial<Record<Service, string>>>;
}

const TEXT_ONLY: Capabilities = {
  streaming: true,
  tools: 'native',
  vision: false,
  documents: false,
  reasoning: false,
  structuredOutputs: true,
};

export function capabilities(...extra: ('vision' | 'documents' | 'reasoning')[]): Capabilities {
  return { ...TEXT_ONLY, ...Object.fromEntries(extra.map((name) => [name, true])) };
}
