import type { Part } from '../../conversation';
import type { Decoded, DialectId, EncodeContext, ReplyContext } from '../../dialect';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { isDeeperThan } from '../../json-depth';
import { DEFAULT_MAX_JSON_DEPTH } from '../../json-scan';
import { fieldFeature, type Loss } from '../../loss';
import type { FinishReason, Reply } from '../../reply';
import { sealSignature } from '../../signature-envelope';
import { emptyUsage } from '../../usage';
import { decodeContent } from './convert-from-blocks';
import { decodeStreamError } from './errors';
import { Findings } from './findings';
import { decodeStopReason, encodeStopReason } from './map-stop-reason';
import { isCitation } from './convert-to-blocks';
import { toolInput } from './tool-input';
import { encodeUsage, mergeUsage } from './usage';
import { DIALECT_ID, isAbsent } from './wire';

/** `role` and `type` never vary. */
export const READ_OF_MESSAGE: ReadonlySet<string> = new Set([
  'id',
  'type',
  'role',
  'model',
  'content',
  'stop_reason',
  'stop_sequence',
  'usage',
]);

/** An upstream's message as a reply; a fault where it is no message. */
export function decodeReply(body: JsonObject, { toolNames }: ReplyContext): Decoded<Reply> {
  if (body['type'] === 'error') return { ok: false, fault: { message: decodeStreamError(body).message } };
  if (isDeeperThan(body, DEFAULT_MAX_JSON_DEPTH))
    return { ok: false, fault: { message: 'The reply is nested too deeply' } };
  const findings = new Findings();
  if (isAbsent(body['content'])) findings.missing('content');
  const parts = decodeContent(body['content'], 'content', findings);
  for (const part of parts) if (part.type === 'tool-call') part.name = toolNames.get(part.name) ?? part.name;
  const usage = findings.object(body['usage'], 'usage');
  const reply: Reply = {
    id: findings.string(body, 'id', '') ?? '',
    model: findings.string(body, 'model', '') ?? '',
    parts,
    finish: decodeFinish(body, parts, findings),
    unmapped: [],
  };
  if (usage !== undefined) reply.usage = mergeUsage(undefined, usage);
  const stopSequence = findings.string(body, 'stop_sequence', '');
  if (stopSequence !== undefined) reply.stopSequence = stopSequence;
  const serviceTier = usage?.['service_tier'];
  if (typeof serviceTier === 'string') reply.serviceTier = serviceTier;
  findings.leaveRest(body, READ_OF_MESSAGE, '');
  reply.unmapped = findings.unmapped;
  return findings.fault === undefined ? { ok: true, value: reply } : { ok: false, fault: findings.fault };
}

function decodeFinish(body: JsonObject, parts: readonly Part[], findings: Findings): FinishReason {
  const word = findings.string(body, 'stop_reason', '');
  const finish = word === undefined ? undefined : decodeStopReason(word);
  if (word !== undefined && finish === undefined) findings.leave('stop_reason', word);
  return finish ?? (parts.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop');
}

/** A reply as the client's message. */
export function encodeReply(reply: Reply, context: EncodeContext): { body: JsonObject; losses: Loss[] } {
  const losses: Loss[] = [];
  const content: JsonObject[] = [];
  reply.parts.forEach((part, index) => content.push(...encodeReplyPart(part, `content[${index}]`, losses)));
  for (const { path } of reply.unmapped) losses.push({ feature: fieldFeature(path), path });
  if (reply.logprobs !== undefined) losses.push({ feature: 'logprobs', path: 'logprobs' });
  const usage = encodeUsage(reply.usage ?? emptyUsage());
  if (reply.serviceTier !== undefined) usage['service_tier'] = encodeServiceTier(reply.serviceTier);
  const refused = reply.finish === 'stop' && reply.parts.some(({ type }) => type === 'refusal');
  const body: JsonObject = {
    id: reply.id === '' ? context.id : reply.id,
    type: 'message',
    role: 'assistant',
    model: context.model,
    content,
    stop_reason: encodeStopReason(refused ? 'refusal' : reply.finish),
    stop_sequence: reply.stopSequence ?? null,
    usage,
  };
  return { body, losses };
}

function encodeReplyPart(part: Part, path: string, losses: Loss[]): JsonObject[] {
  for (const { path: fieldPath } of part.unmapped ?? [])
    losses.push({ feature: fieldFeature(fieldPath), path: fieldPath });
  switch (part.type) {
    case 'text': {
      const citations = encodeCitations(part.citations, path, losses);
      return [citations.length > 0 ? { type: 'text', text: part.text, citations } : { type: 'text', text: part.text }];
    }
    case 'refusal':
      // The words go as text; that it is a refusal is said by the stop reason.
      return [{ type: 'text', text: part.text }];
    case 'thinking':
      return [{ type: 'thinking', thinking: part.text, signature: sealed(part.signature, part.signedBy) }];
    case 'redacted-thinking':
      return [{ type: 'redacted_thinking', data: sealed(part.data, part.signedBy) }];
    case 'tool-call': {
      const { input, faithful } = toolInput(part.arguments);
      if (!faithful) losses.push({ feature: 'tool_arguments.invalid', path: `${path}.input` });
      return [{ type: 'tool_use', id: part.id, name: part.name, input }];
    }
    case 'opaque':
      if (part.dialect === DIALECT_ID) return [{ ...part.wire }];
      losses.push({ feature: opaqueFeature(part.wire), path });
      return [];
    default:
      losses.push({ feature: `block.${part.type}`, path });
      return [];
  }
}

/** Another provider's goes in an envelope: the client hands it back, and it counts when the session comes back to that one. */
export function sealed(signature: string | undefined, signedBy: DialectId | undefined): string {
  return signature ? sealSignature(signature, signedBy ?? DIALECT_ID, DIALECT_ID) : '';
}

export function opaqueFeature(wire: JsonObject): string {
  return `block.${typeof wire['type'] === 'string' ? wire['type'] : 'unknown'}`;
}

function encodeCitations(citations: JsonValue[] | undefined, path: string, losses: Loss[]): JsonValue[] {
  const kept = (citations ?? []).filter(isCitation);
  if (kept.length < (citations?.length ?? 0)) losses.push({ feature: 'citations', path: `${path}.citations` });
  return kept;
}

/** The API's words are standard, priority and batch; other providers' are passed on as they are. */
function encodeServiceTier(tier: string): string {
  return tier === 'default' ? 'standard' : tier;
}

/** The outcome fields of a reply that say something and have no canonical place. */
export function leftOver(record: JsonObject, read: ReadonlySet<string>, path: string): Loss[] {
  const findings = new Findings();
  findings.leaveRest(isJsonObject(record) ? record : {}, read, path);
  return findings.unmapped.map(({ path: fieldPath }) => ({ feature: fieldFeature(fieldPath), path: fieldPath }));
}
