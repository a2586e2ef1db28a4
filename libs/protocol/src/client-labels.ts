import type { DialectId } from './dialect';
import { isJsonObject } from './json';
import { readJsonString, readJsonValue, type JsonSpan } from './json-span';
import type { SniffedRequest } from './sniff';

/** Bytes of JSON. No API takes an identifier as long; a shortened one might be somebody else's. */
const END_USER_BYTES_MAX = 1024;
const METADATA_BYTES_MAX = 4096;

/**
 * Whom the client says it asks for: `metadata.user_id` of Messages; `safety_identifier`, else `user`, of Chat and Responses. Undefined
 * where it does not say, says it in more than 1 KiB, or says no text.
 */
export function readEndUser(body: Buffer, { spans }: SniffedRequest, dialect: DialectId): string | undefined {
  if (dialect === 'anthropic-messages') return shortText(body, spans['metadata.user_id']);
  return shortText(body, spans.safety_identifier) ?? shortText(body, spans.user);
}

/**
 * What a client of Chat or Responses attaches to its call for itself (`metadata`): its members that are texts. Undefined where there are
 * none, or in more than 4 KiB; Messages has no such thing.
 */
export function readClientMetadata(
  body: Buffer,
  { spans: { metadata } }: SniffedRequest,
  dialect: DialectId,
): Record<string, string> | undefined {
  if (
    metadata === undefined ||
    dialect === 'anthropic-messages' ||
    metadata.end - metadata.start > METADATA_BYTES_MAX
  ) {
    return undefined;
  }
  const given = readJsonValue(body, metadata);
  if (!isJsonObject(given)) return undefined;
  const texts = Object.entries(given).filter((member): member is [string, string] => typeof member[1] === 'string');
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}

function shortText(body: Buffer, span: JsonSpan | undefined): string | undefined {
  if (span === undefined || span.end - span.start > END_USER_BYTES_MAX) return undefined;
  return readJsonString(body, span) || undefined;
}
