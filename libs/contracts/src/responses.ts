import type { JsonObject } from '@switchboard/protocol';
import { COUNT, fieldFault, type FieldKind, type Fields, ID, isObject, optional, TEXT } from './record-fields';
import { decodeJson } from './subjects';

export const RESPONSE_STORE = Symbol('RESPONSE_STORE');

/** A reply of the Responses API, with all that a later request needs to go on from it. */
export interface StoredResponse {
  tenantId: string;
  keyId: string;
  /** As the client was told. */
  id: string;
  /** Milliseconds since the epoch. */
  createdAtMs: number;
  /** Catalog id. */
  model: string;
  /** `completed` or `incomplete`. */
  status: string;
  /** All that came before its output, that of earlier responses included, oldest first; each item has an id. */
  input: JsonObject[];
  /** The response object as the client got it. */
  response: JsonObject;
}

/** Port: keeps responses for their tenant, for as long as the setting of metering says. */
export interface ResponseStore {
  /** Returns at once and never fails its caller: what cannot be kept is counted. From here on `get` knows it, at every edge. */
  put(response: StoredResponse): void;
  /** Undefined: the tenant has none of that id. @throws ResponseStoreUnavailableError */
  get(tenantId: string, id: string): Promise<StoredResponse | undefined>;
  /**
   * The tenant's latest that holds one of these items, in its input or its output.
   *
   * @throws ResponseStoreUnavailableError
   */
  findByItems(tenantId: string, itemIds: readonly string[]): Promise<StoredResponse | undefined>;
  /** False: the tenant has none of that id. @throws ResponseStoreUnavailableError */
  delete(tenantId: string, id: string): Promise<boolean>;
}

/** Where responses are kept is away, or too far behind to tell. */
export class ResponseStoreUnavailableError extends Error {
  override readonly name = 'ResponseStoreUnavailableError';
}

/** JSON of input and response together; what is larger is not stored. */
export const STORED_RESPONSE_BYTES_MAX = 8 * 1024 * 1024;
/** Items that a response is found by: the latest ones. */
export const STORED_ITEM_IDS_MAX = 2_000;
/** Of one part, before base64: the bus carries messages of 1 MB. */
export const RESPONSE_PART_BYTES_MAX = 600 * 1024;

/**
 * A piece of a stored response on its way. What the response holds is sealed by the edge, under a key of its tenant; nobody
 * on the way can read it.
 */
export interface ResponsePartV1 {
  tenantId: string;
  keyId: string;
  responseId: string;
  createdAtMs: number;
  model: string;
  status: string;
  /** Of input and output, at most 2,000. */
  itemIds: string[];
  /** From 0. */
  part: number;
  /** How many there are. */
  parts: number;
  /** Base64. */
  sealed: string;
}

/** By its id, or else the latest that holds one of the items. */
export interface ResponsePartRequestV1 {
  tenantId: string;
  responseId?: string;
  itemIds?: string[];
  part: number;
}

/** `found` absent: there is none, or not all of it has come. */
export interface ResponsePartReplyV1 {
  found?: FoundResponsePartV1;
}

export interface FoundResponsePartV1 {
  responseId: string;
  parts: number;
  /** Base64. */
  sealed: string;
}

export interface ResponseDeleteRequestV1 {
  tenantId: string;
  responseId: string;
}

export interface ResponseDeleteReplyV1 {
  deleted: boolean;
}

const TEXTS: FieldKind = {
  name: `a list of at most ${STORED_ITEM_IDS_MAX} texts`,
  accepts: (value) => Array.isArray(value) && value.length <= STORED_ITEM_IDS_MAX && value.every(TEXT.accepts),
};

const PART_FIELDS: Fields = Object.entries<FieldKind>({
  tenantId: ID,
  keyId: ID,
  responseId: ID,
  createdAtMs: COUNT,
  model: TEXT,
  status: TEXT,
  itemIds: TEXTS,
  part: COUNT,
  parts: COUNT,
  sealed: TEXT,
} satisfies Record<keyof ResponsePartV1, FieldKind>);

const PART_REQUEST_FIELDS: Fields = Object.entries<FieldKind>({
  tenantId: ID,
  responseId: optional(ID),
  itemIds: optional(TEXTS),
  part: COUNT,
} satisfies Record<keyof ResponsePartRequestV1, FieldKind>);

const DELETE_REQUEST_FIELDS: Fields = Object.entries<FieldKind>({
  tenantId: ID,
  responseId: ID,
} satisfies Record<keyof ResponseDeleteRequestV1, FieldKind>);

/** The part, or what keeps it from being one: anybody who reaches the bus writes to the stream. Never throws. */
export function parseResponsePart(payload: Uint8Array): ResponsePartV1 | string {
  const read = readObject<ResponsePartV1>(payload, PART_FIELDS);
  if (typeof read === 'string') return read;
  return read.part < read.parts ? read : `part ${read.part} of ${read.parts}`;
}

/** The request, or what is wrong with it. Never throws. */
export function parseResponsePartRequest(payload: Uint8Array): ResponsePartRequestV1 | string {
  return readObject<ResponsePartRequestV1>(payload, PART_REQUEST_FIELDS);
}

/** The request, or what is wrong with it. Never throws. */
export function parseResponseDeleteRequest(payload: Uint8Array): ResponseDeleteRequestV1 | string {
  return readObject<ResponseDeleteRequestV1>(payload, DELETE_REQUEST_FIELDS);
}

function readObject<T>(payload: Uint8Array, fields: Fields): T | string {
  let read: unknown;
  try {
    read = decodeJson<unknown>(payload);
  } catch (error) {
    return `not JSON: ${(error as Error).name}`;
  }
  if (!isObject(read)) return 'not an object';
  return fieldFault(read, fields) ?? (read as T);
}
