import { GatewayError } from '@switchboard/contracts';
import type { DialectId, SniffedRequest } from '@switchboard/protocol';

/**
 * The faults that can be told from a sniffed body alone, in each API's own words. What same-dialect traffic holds beyond
 * these is the upstream's to judge: an open pass-through must not know more fields than its upstream.
 */
export function checkRequest(sniffed: SniffedRequest, dialect: DialectId): GatewayError | undefined {
  if (dialect === 'openai-responses') return checkResponses(sniffed);
  const anthropic = dialect === 'anthropic-messages';
  const fault = checkModel(sniffed, dialect);
  if (fault !== undefined) return fault;
  if (sniffed.thread) {
    return new GatewayError(
      'thread_unsupported',
      'This gateway keeps no server-side threads: send the whole conversation with every request.',
      { param: 'thread' },
    );
  }
  if (anthropic && sniffed.maxTokens === undefined) return missing('max_tokens', 'max_tokens: Field required');
  if (sniffed.messages === 'absent') {
    return missing('messages', anthropic ? 'messages: Field required' : "Missing required parameter: 'messages'.");
  }
  if (sniffed.messages === 'empty') {
    return missing(
      'messages',
      anthropic
        ? 'messages: at least one message is required'
        : "Invalid 'messages': empty array. Expected an array with minimum length 1.",
    );
  }
  return undefined;
}

export function checkModel({ model }: SniffedRequest, dialect: DialectId): GatewayError | undefined {
  if (model !== undefined && model !== '') return undefined;
  const isAnthropic = dialect === 'anthropic-messages';
  return missing('model', isAnthropic ? 'model: Field required' : 'you must provide a model parameter');
}

function checkResponses({ model, input, spans }: SniffedRequest): GatewayError | undefined {
  if (model === undefined || model === '') {
    return missing('model', "Missing required parameter: 'model'.", 'missing_required_parameter');
  }
  if (input === 'unknown') {
    const message = "Invalid type for 'input': expected one of a string or array of input items.";
    return missing('input', message, 'invalid_type');
  }
  if (input !== 'filled' && spans.previous_response_id === undefined) {
    const message = 'One of "input" or "previous_response_id" must be provided.';
    return missing('input', message, 'missing_required_parameter');
  }
  return undefined;
}

function missing(param: string, message: string, openaiCode?: string): GatewayError {
  return new GatewayError('invalid_parameter', message, { param, ...(openaiCode !== undefined && { openaiCode }) });
}
