import type { Conversation } from '../../conversation';
import type { Decoded, EncodedRequest, RequestTarget } from '../../dialect';
import type { JsonObject } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { invert, shortenToolNames } from '../../tool-names';
import { Encoding } from '../openai/encoding';
import { Findings } from '../openai/findings';
import { isAbsent } from '../openai/members';
import { decodeInput } from './convert-from-items';
import { decodeParams, READ_OF_BODY, refuseStored } from './convert-from-params';
import { decodeToolChoice, ToolList } from './convert-from-tools';
import { encodeInput } from './convert-to-items';
import { encodeParams } from './convert-to-params';
import { encodeTools } from './convert-to-tools';
import { isSendableToolName } from './wire';

/**
 * Client request → canonical. Faults carry OpenAI's own words, codes and `param` paths. What the client has stored here
 * (`previous_response_id`, references to items) the caller has put in its place before; what still stands is not here.
 */
export function decodeRequest(body: JsonObject): Decoded<Conversation> {
  if (isDeeperThan(body, DEFAULT_MAX_JSON_DEPTH)) {
    return { ok: false, fault: { message: `The request is nested deeper than ${DEFAULT_MAX_JSON_DEPTH} levels.` } };
  }
  const findings = new Findings();
  if (isAbsent(body.model)) findings.fail('you must provide a model parameter', 'model', 'missing_required_parameter');
  const model = findings.scalar(body, 'model', 'string') ?? '';
  refuseStored(body, findings);
  const tools = new ToolList(findings);
  tools.add(body.tools, 'tools');
  const { messages, compaction } = decodeInput(body, tools, findings);
  const toolChoice = decodeToolChoice(body, tools, findings);
  const params = decodeParams(body, findings);
  findings.leaveRest(body, READ_OF_BODY, '');
  if (findings.fault) return { ok: false, fault: findings.fault };
  return {
    ok: true,
    value: {
      ...params,
      model,
      messages,
      tools: tools.tools,
      ...(toolChoice && { toolChoice }),
      ...(compaction && { compaction }),
      unmapped: findings.unmapped,
    },
  };
}

/** Canonical → request for an upstream that speaks Responses. It is never asked to keep anything. */
export function encodeRequest(conversation: Conversation, target: RequestTarget): EncodedRequest {
  const shortNames = shortenToolNames(conversation, isSendableToolName);
  const encoding = new Encoding(target, shortNames);
  const body: JsonObject = {
    model: target.model,
    ...encodeInput(conversation, encoding),
    ...encodeTools(conversation, encoding),
    ...encodeParams(conversation, encoding),
  };
  encoding.loseUnmapped(conversation.unmapped);
  if (encoding.fault) return { ok: false, fault: encoding.fault };
  return { ok: true, body, losses: encoding.losses, toolNames: invert(shortNames) };
}
