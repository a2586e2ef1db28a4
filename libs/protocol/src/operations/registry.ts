import { readCompletionsCall } from './completions';
import { readEmbeddingsCall } from './embeddings';
import type { OperationId, OperationReader } from './operation';

export const OPERATIONS: Readonly<Record<OperationId, OperationReader>> = {
  embeddings: readEmbeddingsCall,
  completions: readCompletionsCall,
};
