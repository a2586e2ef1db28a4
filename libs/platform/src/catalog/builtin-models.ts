import type { Provider } from '@switchboard/contracts';
import { ANTHROPIC_MODELS } from './builtin/anthropic';
import { SERVICES, type ModelFacts, type Service } from './builtin/model-facts';
import { OPENAI_MODELS } from './builtin/openai';
import { OPENROUTER_MODELS } from './builtin/openrouter';
import { SARVAM_MODELS } from './builtin/sarvam';
import type { DeclaredModel } from './declared-model';
import { pricesFromSheet } from './price-sheet';

/** The models the gateway knows without being told: public facts, each list citing its sources. In listing order. */
export const BUILTIN_MODELS: readonly ModelFacts[] = [
  ...ANTHROPIC_MODELS,
  ...OPENAI_MODELS,
  ...OPENROUTER_MODELS,
  ...SARVAM_MODELS,
];

/** A provider by id, and what it calls the model. */
export interface UpstreamName {
  provider: string;
  model: string;
}

const SERVICE_HOSTS: Readonly<Record<string, Service>> = {
  'api.anthropic.com': 'anthropic',
  'api.openai.com': 'openai',
  'openrouter.ai': 'openrouter',
  'api.sarvam.ai': 'sarvam',
};

/** Whose models a provider serves. A compatible endpoint is known by its host; of any other we cannot know what it serves. */
function serviceOf(provider: Provider): Service | undefined {
  if (provider.kind === 'anthropic' || provider.kind === 'openai' || provider.kind === 'openrouter') {
    return provider.kind;
  }
  return SERVICE_HOSTS[new URL(provider.baseUrl).hostname];
}

/** A built-in model as the catalog holds it, over the upstreams given (`cost` is the public price). */
export function modelFromFacts(facts: ModelFacts, upstreams: readonly UpstreamName[]): DeclaredModel {
  const prices = pricesFromSheet(facts.pricing);
  return {
    id: facts.id,
    displayName: facts.displayName,
    description: facts.description,
    category: facts.category,
    createdAt: `${facts.released}T00:00:00Z`,
    aliases: [...facts.aliases],
    contextWindow: facts.contextWindow,
    maxOutputTokens: facts.maxOutputTokens,
    capabilities: facts.capabilities,
    pricing: [{ prices }],
    onDisconnect: 'cancel',
    upstreams: upstreams.map((upstream) => ({ ...upstream, weight: 1, cost: prices })),
  };
}

/** Where these providers can serve the model, in the order to try: the maker's own accounts first, as they are listed. */
export function builtinUpstreams(facts: ModelFacts, providers: readonly Provider[]): UpstreamName[] {
  return SERVICES.flatMap((service) => {
    const model = facts.names[service];
    if (model === undefined) return [];
    return providers
      .filter((provider) => serviceOf(provider) === service)
      .map((provider) => ({ provider: provider.id, model }));
  });
}

/** Every built-in model that at least one of the providers serves. */
export function servableModels(providers: readonly Provider[]): DeclaredModel[] {
  return BUILTIN_MODELS.flatMap((facts) => {
    const upstreams = builtinUpstreams(facts, providers);
    return upstreams.length === 0 ? [] : [modelFromFacts(facts, upstreams)];
  });
}
