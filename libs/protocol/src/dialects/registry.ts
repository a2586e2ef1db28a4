import type { Dialect, DialectId } from '../dialect';
import { anthropicMessages } from './anthropic-messages/dialect';
import { openaiChat } from './openai-chat/dialect';
import { openaiResponses } from './openai-responses/dialect';

/** Every dialect, client side and upstream side alike. */
export const DIALECTS: Record<DialectId, Dialect> = {
  'anthropic-messages': anthropicMessages,
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
};
