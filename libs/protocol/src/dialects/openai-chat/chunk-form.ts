import type { JsonObject } from '../../json';
import { GENERATED } from './frame-scan';
import { CHUNK_OBJECT } from './wire';

/** Where the streams of Chat and of the older completions differ; they end and tell their usage alike. */
export interface ChunkForm {
  object: string;
  /** Members of a choice that hold what the model wrote. */
  generated: readonly Buffer[];
  /** Of a choice that ends without another word. */
  nothingMore: JsonObject;
}

export const CHAT_CHUNK: ChunkForm = { object: CHUNK_OBJECT, generated: GENERATED, nothingMore: { delta: {} } };

export const COMPLETION_CHUNK: ChunkForm = {
  object: 'text_completion',
  generated: [Buffer.from('text')],
  nothingMore: { text: '' },
};
