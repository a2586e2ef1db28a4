import type { Part } from '../../conversation';
import type { Decoded, EncodeContext, ReplyContext } from '../../dialect';
import type { JsonObject, JsonValue } from '../../json';
import { isJsonObject } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import type { Loss } from '../../loss';
import type { Reply } from '../../reply';
import { emptyUsage } from '../../usage';
import { isAbsent, textMember } from '../openai/members';
import { decodeOutputItem, OutputFindings } from './convert-from-output';
import { decodeFailure } from './decode-failure';
import { decodeStatus, encodeStatus, finishLoss } from './map-status';
import { OutputWriter } from './output-writer';
import { unreadOf } from './reply-wire';
import { responseShell } from './response-shell';
import { decodeUsage, encodeUsage } from './usage';

/**
 * Upstream response → canonical. One that failed, or is not finished, is a fault with the upstream's own words.
 *
 * What a response says beside its output is the request told back, and what only this API knows of it.
 */
export function decodeReply(body: JsonObject, context: ReplyContext): Decoded<Reply> {
  if (!isAbsent(body.error)) {
    const { message, type } = decodeFailure(body);
    return { ok: false, fault: { message, ...(type !== undefined && { code: type }) } };
  }
  if (isDeeperThan(body, DEFAULT_MAX_JSON_DEPTH)) {
    return { ok: false, fault: { message: 'The upstream sent a reply that is nested too deeply.' } };
  }
  if (!Array.isArray(body.output)) {
    return { ok: false, fault: { message: 'The upstream sent a response without output.', param: 'output' } };
  }
  const findings = new OutputFindings(context.toolNames);
  const parts = body.output.flatMap((item, index) => decodeOutputItem(item, `output[${index}]`, findings));
  if (findings.fault) return { ok: false, fault: findings.fault };
  const outcome = decodeStatus(body, {
    hasToolCalls: parts.some(({ type }) => type === 'tool-call'),
    hasRefusal: parts.some(({ type }) => type === 'refusal'),
  });
  if (!outcome.ok) return { ok: false, fault: { message: outcome.failure.message } };
  const { logprobs } = findings;
  const unmapped = [...findings.unmapped, ...unreadOf(body)];
  if (outcome.unknown !== undefined) unmapped.push({ path: 'incomplete_details.reason', value: outcome.unknown });
  const usage = decodeUsage(body.usage);
  const serviceTier = textMember(body, 'service_tier');
  const value: Reply = {
    id: textMember(body, 'id') ?? '',
    model: textMember(body, 'model') ?? '',
    parts: withCallIds(parts),
    finish: outcome.reason,
    ...(usage && { usage }),
    ...(serviceTier !== undefined && { serviceTier }),
    // Chat's list of the same entries.
    ...(logprobs.length > 0 && { logprobs: { content: logprobs, refusal: null } }),
    unmapped,
  };
  return { ok: true, value };
}

/** A client cannot answer a call without an id. */
function withCallIds(parts: Part[]): Part[] {
  return parts.map((part, index) =>
    part.type === 'tool-call' && part.id === '' ? { ...part, id: `call_${index}` } : part,
  );
}

/** Canonical → client response, all of it, the request told back. */
export function encodeReply(reply: Reply, context: EncodeContext): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = [];
  const hasRefusal = reply.parts.some(({ type }) => type === 'refusal');
  const { status, incompleteDetails } = encodeStatus(reply.finish, hasRefusal);
  const writer = new OutputWriter(context, losses);
  const logprobs = soleTextLogprobs(reply);
  if (reply.logprobs !== undefined && (logprobs.length === 0 || ofRefusal(reply.logprobs)))
    losses.push({ feature: 'logprobs', path: 'logprobs' });
  for (const [index, part] of reply.parts.entries()) writer.add(part, `content[${index}]`, logprobs);
  writer.finish(status);
  const endLoss = finishLoss(reply.finish);
  if (endLoss) losses.push(endLoss);
  writer.loseUnmapped(reply.unmapped);
  const body: JsonObject = {
    ...responseShell(context),
    status,
    incomplete_details: incompleteDetails,
    output: writer.output,
    output_text: writer.text,
    usage: encodeUsage(reply.usage ?? emptyUsage(), context.costUsd),
    service_tier: encodeServedTier(reply.serviceTier),
  };
  return { body, losses };
}

/** Logprobs are of the whole reply, and in this dialect of one text: with several nobody knows which. */
function soleTextLogprobs({ logprobs, parts }: Reply): JsonValue[] {
  const texts = parts.filter(({ type }) => type === 'text').length;
  return texts === 1 && isJsonObject(logprobs) && Array.isArray(logprobs.content) ? logprobs.content : [];
}

function ofRefusal(logprobs: JsonValue): boolean {
  return isJsonObject(logprobs) && Array.isArray(logprobs.refusal) && logprobs.refusal.length > 0;
}

/** Anthropic's `standard` is what OpenAI calls `default`. */
export function encodeServedTier(serviceTier: string | undefined): string {
  return serviceTier === undefined || serviceTier === 'standard' ? 'default' : serviceTier;
}
