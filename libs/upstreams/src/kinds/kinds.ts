import type { ProviderKind } from '@switchboard/contracts';
import { anthropicCompatible } from './anthropic-compatible/anthropic-compatible';
import { anthropic } from './anthropic/anthropic';
import { azureOpenai } from './azure-openai/azure-openai';
import type { UpstreamKind } from './kind';
import { openaiCompatible } from './openai-compatible/openai-compatible';
import { openai } from './openai/openai';
import { openrouter } from './openrouter/openrouter';
import { responsesCompatible } from './responses-compatible/responses-compatible';

export const KINDS: Readonly<Record<ProviderKind, UpstreamKind>> = {
  anthropic,
  openai,
  openrouter,
  'azure-openai': azureOpenai,
  'anthropic-compatible': anthropicCompatible,
  'openai-compatible': openaiCompatible,
  'responses-compatible': responsesCompatible,
};
