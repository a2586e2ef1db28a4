import type { Conversation } from '../../conversation';
import type { Decoded, EncodedRequest, RequestTarget } from '../../dialect';
import type { JsonObject } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { decodeMessages, decodeSystem } from './convert-from-messages';
import { decodeParams, decodeSampling } from './convert-from-params';
import { decodeTools } from './convert-from-tools';
import { encodeMessages } from './convert-to-messages';
import { encodeParams } from './convert-to-params';
import { encodeTools } from './convert-to-tools';
import { Encoding } from './encoding';
import { Findings } from './findings';
import { isAbsent } from './wire';
import { invert, shortenToolNames } from '../../tool-names';

const READ_OF_BODY = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'tools',
  'tool_choice',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'stream',
  'thinking',
  'output_config',
  'output_format',
  'metadata',
  'service_tier',
]);

/** A Messages request as a conversation. What it holds beyond that is kept in `unmapped`, at the place it stood. */
export function decodeRequest(body: JsonObject): Decoded<Conversation> {
  if (isDeeperThan(body, DEFAULT_MAX_JSON_DEPTH)) {
    return { ok: false, fault: { message: `The request is nested deeper than ${DEFAULT_MAX_JSON_DEPTH} levels` } };
  }
  const findings = new Findings();
  const conversation: Conversation = {
    model: findings.requiredString(body, 'model', ''),
    messages: [...decodeSystem(body['system'], findings), ...decodeMessages(body['messages'], findings)],
    tools: decodeTools(body['tools'], findings),
    sampling: decodeSampling(body, findings),
    stream: findings.boolean(body, 'stream', '') ?? false,
    unmapped: [],
  };
  if (isAbsent(body['max_tokens'])) findings.missing('max_tokens');
  decodeParams(conversation, body, findings);
  findings.leaveRest(body, READ_OF_BODY, '');
  conversation.unmapped = findings.unmapped;
  return findings.fault === undefined ? { ok: true, value: conversation } : { ok: false, fault: findings.fault };
}

/**
 * A conversation as a Messages request. Losses name what the API has no place for; a fault, what it cannot do without
 * changing the meaning.
 */
export function encodeRequest(conversation: Conversation, target: RequestTarget): EncodedRequest {
  const encoding = new Encoding(target, shortenToolNames(conversation));
  const body: JsonObject = { model: target.model, max_tokens: conversation.maxOutputTokens ?? target.maxOutputTokens };
  encodeMessages(body, conversation, encoding);
  encodeTools(body, conversation, encoding);
  encodeParams(body, conversation, encoding);
  encoding.loseUnmapped(conversation.unmapped);
  if (conversation.compaction) encoding.refuse('conversations are not compacted by this model', 'input');
  if (encoding.fault !== undefined) return { ok: false, fault: encoding.fault };
  return { ok: true, body, losses: encoding.losses, toolNames: invert(encoding.shortNames) };
}
