import type { Conversation } from '../../conversation';
import type { Decoded, EncodedRequest, RequestTarget } from '../../dialect';
import type { JsonObject } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { decodeMessages } from './convert-from-messages';
import { decodeParams, READ_OF_BODY } from './convert-from-params';
import { encodeMessages } from './convert-to-messages';
import { encodeParams } from './convert-to-params';
import { decodeToolChoice, decodeTools, encodeTools } from './convert-tools';
import { Encoding } from '../openai/encoding';
import { Findings } from '../openai/findings';
import { invert, shortenToolNames } from '../../tool-names';
import { isAbsent } from '../openai/members';

/** Client request → canonical. Faults carry OpenAI's own words, codes and `param` paths. */
export function decodeRequest(body: JsonObject): Decoded<Conversation> {
  if (isDeeperThan(body, DEFAULT_MAX_JSON_DEPTH)) {
    return { ok: false, fault: { message: `The request is nested deeper than ${DEFAULT_MAX_JSON_DEPTH} levels.` } };
  }
  const findings = new Findings();
  if (isAbsent(body.model)) findings.fail('you must provide a model parameter', 'model', 'missing_required_parameter');
  const model = findings.scalar(body, 'model', 'string') ?? '';
  const tools = decodeTools(body, findings);
  const toolChoice = decodeToolChoice(body, findings);
  const toolNames = new Set(tools.map((tool) => tool.name));
  const messages = decodeMessages(body.messages, toolNames, findings);
  const { unmapped } = findings;
  const conversation: Conversation = { model, messages, tools, sampling: {}, stream: false, unmapped };
  if (toolChoice) conversation.toolChoice = toolChoice;
  decodeParams(conversation, body, findings);
  findings.leaveRest(body, READ_OF_BODY, '');
  return findings.fault ? { ok: false, fault: findings.fault } : { ok: true, value: conversation };
}

/** Canonical → request for an OpenAI-compatible upstream. */
export function encodeRequest(conversation: Conversation, target: RequestTarget): EncodedRequest {
  const shortNames = shortenToolNames(conversation);
  const encoding = new Encoding(target, shortNames);
  const body: JsonObject = { model: target.model, messages: encodeMessages(conversation.messages, encoding) };
  encodeTools(body, conversation, encoding);
  encodeParams(body, conversation, encoding);
  encoding.loseUnmapped(conversation.unmapped);
  if (conversation.compaction) encoding.refuse('The upstream of this model does not compact conversations.', 'input');
  if (encoding.fault) return { ok: false, fault: encoding.fault };
  return { ok: true, body, losses: encoding.losses, toolNames: invert(shortNames) };
}
