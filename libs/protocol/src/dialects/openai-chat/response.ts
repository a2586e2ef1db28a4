import type { Part, ToolCallPart } from '../../conversation';
import type { Decoded, EncodeContext, ReplyContext } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { fieldFeature, type Loss } from '../../loss';
import type { Reply } from '../../reply';
import { emptyUsage } from '../../usage';
import { decodeErrorValue } from '../openai/errors';
import { callsOf, decodeToolCalls, fallbackCallId } from './convert-tool-calls';
import { Findings } from '../openai/findings';
import { decodeFinishReason, encodeFinishReason, failedFinish, finishLoss } from './map-finish-reason';
import { decodeUsage, encodeUsage } from './usage';
import { isAbsent, isEmpty, textMember } from '../openai/members';
import { COMPLETION_OBJECT, idMember, reasoningOf } from './wire';

/** The last three say nothing of the reply; `timings` are llama.cpp's. */
export const READ_OF_REPLY: ReadonlySet<string> = new Set([
  ...['id', 'object', 'created', 'model', 'choices', 'usage', 'service_tier'],
  ...['system_fingerprint', 'obfuscation', 'timings'],
]);

export const READ_OF_CHOICE: ReadonlySet<string> = new Set([
  ...['index', 'message', 'delta', 'logprobs', 'finish_reason', 'stop_reason', 'matched_stop'],
]);

const READ_OF_MESSAGE: ReadonlySet<string> = new Set([
  ...['role', 'content', 'refusal', 'tool_calls', 'function_call', 'reasoning_content', 'reasoning'],
]);

/**
 * Upstream reply → canonical. Of several choices the first is read, the rest are unmapped. A 200 that holds an error
 * object (OpenRouter) is a fault with the error's own text.
 */
export function decodeReply(body: JsonObject, context: ReplyContext): Decoded<Reply> {
  const failure = decodeErrorValue(body);
  if (failure) return { ok: false, fault: { message: failure.message, code: failure.code ?? failure.type } };
  if (isDeeperThan(body, DEFAULT_MAX_JSON_DEPTH)) {
    return { ok: false, fault: { message: 'The upstream sent a reply that is nested too deeply.' } };
  }
  const [choice, ...others] = Array.isArray(body.choices) ? body.choices : [];
  if (!isJsonObject(choice) || !isJsonObject(choice.message)) {
    return {
      ok: false,
      fault: { message: 'The upstream sent a reply without a message.', param: 'choices[0].message' },
    };
  }
  const word = textMember(choice, 'finish_reason') || 'stop';
  const brokenOff = failedFinish(word);
  if (brokenOff) return { ok: false, fault: { message: brokenOff } };
  const findings = new Findings();
  others.forEach((other, index) => findings.leave(`choices[${index + 1}]`, other));
  const id = idMember(body);
  const parts = decodeMessage(withCallIds(choice.message, id), context, findings);
  const finish = decodeFinishReason(word, {
    hasToolCalls: parts.some(({ type }) => type === 'tool-call'),
    hasRefusal: parts.some(({ type }) => type === 'refusal'),
    stopReason: choice.stop_reason ?? choice.matched_stop,
    stopSequences: context.stopSequences,
  });
  leaveRest(body, READ_OF_REPLY, '', findings);
  leaveRest(choice, READ_OF_CHOICE, 'choices[0].', findings);
  if (finish.unknown) findings.leave('choices[0].finish_reason', choice.finish_reason ?? null);
  if (findings.fault) return { ok: false, fault: findings.fault };
  const serviceTier = textMember(body, 'service_tier');
  const usage = decodeUsage(body.usage);
  const { unmapped } = findings;
  const reply: Reply = { id, model: textMember(body, 'model') ?? '', parts, finish: finish.reason, unmapped };
  if (finish.stopSequence !== undefined) reply.stopSequence = finish.stopSequence;
  if (usage) reply.usage = usage;
  if (serviceTier !== undefined) reply.serviceTier = serviceTier;
  if (!isAbsent(choice.logprobs)) reply.logprobs = choice.logprobs;
  return { ok: true, value: reply };
}

function decodeMessage(message: JsonObject, { toolNames }: ReplyContext, findings: Findings): Part[] {
  const path = 'choices[0].message';
  const parts: Part[] = [];
  const thinking = reasoningOf(message);
  if (thinking) parts.push({ type: 'thinking', text: thinking });
  const content = findings.scalar(message, 'content', 'string', path);
  if (content) parts.push({ type: 'text', text: content });
  const refusal = findings.scalar(message, 'refusal', 'string', path);
  if (refusal) parts.push({ type: 'refusal', text: refusal });
  decodeToolCalls(message, path, findings).forEach((call) => {
    parts.push({ ...call, name: toolNames.get(call.name) ?? call.name });
  });
  leaveRest(message, READ_OF_MESSAGE, `${path}.`, findings);
  return parts;
}

function leaveRest(record: JsonObject, read: ReadonlySet<string>, prefix: string, findings: Findings): void {
  for (const name in record) {
    if (read.has(name)) continue;
    const value = record[name];
    if (value !== undefined && !isEmpty(value)) findings.leave(`${prefix}${name}`, value);
  }
}

function withCallIds(message: JsonObject, replyId: string): JsonObject {
  if (isAbsent(message.tool_calls)) return message;
  const calls = callsOf(message).map((call, index): JsonValue =>
    isJsonObject(call) ? { ...call, id: idMember(call) || fallbackCallId(replyId, index) } : call,
  );
  return { ...message, tool_calls: calls };
}

/** What the parts of a reply become in Chat's one message. */
interface Message {
  thinking: string;
  content: string;
  refusal: string;
  calls: JsonObject[];
  losses: Loss[];
}

/** Canonical → client reply. Thinking goes out as `reasoning_content`, as compatible servers send it. */
export function encodeReply(reply: Reply, context: EncodeContext): { body: JsonObject; losses: Loss[] } {
  const message: Message = { thinking: '', content: '', refusal: '', calls: [], losses: [] };
  reply.parts.forEach((part, index) => addPart(message, part, `content[${index}]`));
  const { losses } = message;
  const endLoss = finishLoss(reply.finish);
  if (endLoss) losses.push(endLoss);
  for (const { path } of reply.unmapped) losses.push({ feature: fieldFeature(path), path });
  const hasRefusal = message.refusal !== '';
  const onlyOther = message.content === '' && (hasRefusal || message.calls.length > 0);
  const choice: JsonObject = {
    index: 0,
    message: {
      role: 'assistant',
      content: onlyOther ? null : message.content,
      refusal: hasRefusal ? message.refusal : null,
      ...(message.thinking !== '' && { reasoning_content: message.thinking }),
      ...(message.calls.length > 0 && { tool_calls: message.calls }),
    },
    logprobs: reply.logprobs ?? null,
    finish_reason: encodeFinishReason(reply.finish, hasRefusal),
    // vLLM's member, for want of one of OpenAI's.
    ...(reply.stopSequence !== undefined && { stop_reason: reply.stopSequence }),
  };
  const body: JsonObject = {
    id: reply.id || context.id,
    object: COMPLETION_OBJECT,
    created: context.createdAtSeconds,
    model: context.model,
    choices: [choice],
    usage: encodeUsage(reply.usage ?? emptyUsage(), context.costUsd),
    ...(reply.serviceTier !== undefined && { service_tier: encodeServedTier(reply.serviceTier) }),
  };
  return { body, losses };
}

/** Anthropic's `standard` is what Chat calls `default`. */
export function encodeServedTier(serviceTier: string): string {
  return serviceTier === 'standard' ? 'default' : serviceTier;
}

function addPart(message: Message, part: Part, path: string): void {
  const lose = (feature: string, at = path): void => void message.losses.push({ feature, path: at });
  for (const unmapped of part.unmapped ?? []) lose(fieldFeature(unmapped.path), unmapped.path);
  switch (part.type) {
    case 'text':
      if (part.citations?.length) lose('citations', `${path}.citations`);
      // A message has one text, and its calls stand behind it.
      if (message.calls.length > 0) lose('content_order');
      message.content += part.text;
      return;
    case 'refusal':
      message.refusal += part.text;
      return;
    case 'thinking':
      if (message.calls.length > 0 || message.content !== '') lose('content_order');
      if (part.signature) lose('thinking.signature', `${path}.signature`);
      message.thinking += part.text;
      return;
    case 'redacted-thinking':
      lose('redacted_thinking');
      return;
    case 'tool-call':
      message.calls.push(encodeReplyCall(part));
      return;
    case 'opaque':
      lose(`block.${typeof part.wire.type === 'string' ? part.wire.type : 'unknown'}`);
      return;
    case 'image':
    case 'document':
    case 'audio':
    case 'tool-result':
    case 'tool-reference':
      lose(`block.${part.type}`);
      return;
  }
}

/** Arguments cut off at the token limit stay cut off, as OpenAI sends them; only "none" must still be JSON. */
function encodeReplyCall({ id, name, arguments: text, custom }: ToolCallPart): JsonObject {
  if (custom) return { id, type: 'custom', custom: { name, input: text } };
  return { id, type: 'function', function: { name, arguments: text.trim() === '' ? '{}' : text } };
}
