import type { Provider, ProviderKind } from '@switchboard/contracts';
import type { OperationId } from '@switchboard/protocol';

/**
 * Names of the OpenTelemetry conventions for generative AI, v0.1.0 of open-telemetry/semantic-conventions-genai: where one
 * of its well-known values applies, that one must be used.
 */
export type GenAiOperation = 'chat' | 'text_completion' | 'embeddings';

/** `gen_ai.operation.name`; no operation: a conversation. */
export function genAiOperation(operation: OperationId | undefined): GenAiOperation {
  switch (operation) {
    case undefined:
      return 'chat';
    case 'completions':
      return 'text_completion';
    case 'embeddings':
      return 'embeddings';
  }
}

const PROVIDER_NAMES: Readonly<Partial<Record<ProviderKind, string>>> = {
  anthropic: 'anthropic',
  openai: 'openai',
  'azure-openai': 'azure.ai.openai',
};

/** `gen_ai.provider.name`: of what the conventions have no name for, the provider's id. */
export function genAiProvider({ kind, id }: Pick<Provider, 'kind' | 'id'>): string {
  return PROVIDER_NAMES[kind] ?? id;
}
