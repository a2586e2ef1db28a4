import { GatewayError, type Model } from '@switchboard/contracts';
import type { Conversation, Part } from '@switchboard/protocol';
import type { Needs } from './plan';

/** True where nothing in a request could be beyond the model, so that its body need not be looked into. */
export function servesAnything(model: Model): boolean {
  return model.capabilities.vision && model.capabilities.tools !== 'none';
}

export function needsOf(conversation: Conversation): Needs {
  return {
    vision: conversation.messages.some((message) => message.parts.some(holdsImage)),
    tools: conversation.tools.length > 0,
  };
}

/** Refused before any upstream call, and uncharged. */
export function checkCapabilities(model: Model, needs: Needs): GatewayError | undefined {
  if (needs.vision && !model.capabilities.vision) {
    return new GatewayError('unsupported_capability', `The model ${model.id} does not support image input.`, {
      param: 'messages',
    });
  }
  if (needs.tools && model.capabilities.tools === 'none') {
    return new GatewayError('unsupported_capability', `The model ${model.id} does not support tools.`, {
      param: 'tools',
    });
  }
  return undefined;
}

/** In the words Claude Code acts on. */
export function contextExceeded(inputTokens: number, contextWindow: number): GatewayError {
  return new GatewayError('context_exceeded', `prompt is too long: ${inputTokens} tokens > ${contextWindow} maximum`, {
    param: 'messages',
  });
}

function holdsImage(part: Part): boolean {
  if (part.type === 'image') return true;
  if (part.type === 'tool-result') return part.parts.some(holdsImage);
  if (part.type === 'document' && part.source.type === 'parts') return part.source.parts.some(holdsImage);
  return false;
}
