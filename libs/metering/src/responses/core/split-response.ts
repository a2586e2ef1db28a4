import {
  RESPONSE_PART_BYTES_MAX,
  type ResponsePartV1,
  STORED_ITEM_IDS_MAX,
  type StoredResponse,
} from '@switchboard/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@switchboard/protocol';

/** The parts of a sealed response: one at least. */
export function splitResponse(response: StoredResponse, sealed: Buffer): ResponsePartV1[] {
  const { tenantId, keyId, id: responseId, createdAtMs, model, status } = response;
  const itemIds = itemIdsOf(response);
  const parts = Math.max(1, Math.ceil(sealed.length / RESPONSE_PART_BYTES_MAX));
  return Array.from({ length: parts }, (_, part) => ({
    ...{ tenantId, keyId, responseId, createdAtMs, model, status, itemIds, part, parts },
    sealed: sealed.subarray(part * RESPONSE_PART_BYTES_MAX, (part + 1) * RESPONSE_PART_BYTES_MAX).toString('base64'),
  }));
}

/** Of input and output, the latest where there are too many. */
export function itemIdsOf({ input, response }: StoredResponse): string[] {
  const output = response['output'];
  const items: JsonValue[] = Array.isArray(output) ? [...input, ...output] : input;
  const ids = items.filter(isJsonObject).map(idOf);
  return [...new Set(ids.filter((id) => id !== undefined))].slice(-STORED_ITEM_IDS_MAX);
}

function idOf({ id }: JsonObject): string | undefined {
  return typeof id === 'string' && id !== '' && id.length <= ID_LENGTH_MAX ? id : undefined;
}

/** With 2,000 of them a message has room for its part; real ones have some 60. */
const ID_LENGTH_MAX = 90;
