import { GatewayError } from '@switchboard/contracts';
import {
  editOf,
  JsonScanner,
  readJsonString,
  readJsonValue,
  type ByteEdit,
  type JsonSpan,
} from '@switchboard/protocol';
import { insertMembers } from './insert-members';

const FIELDS = ['store', 'previous_response_id', 'background', 'conversation', 'prompt', 'include'] as const;
type Field = (typeof FIELDS)[number];

const scanner = new JsonScanner(FIELDS);
const REFERENCE_BYTES = Buffer.from('"item_reference"');
const ENCRYPTED_REASONING = 'reasoning.encrypted_content';
const LOWER_N = 110;

/** What a body of `POST /v1/responses` says of storage. */
export interface StorageRequest {
  /** Absent and null: the API's default, true. */
  store: boolean;
  previousResponseId: string | undefined;
  /** Some item refers to one by its id alone, as far as the bytes tell. */
  mayRefer: boolean;
  /** What tells an upstream not to store it itself; undefined: it says so already. */
  storeNot: ByteEdit | undefined;
}

/** Undefined: not even JSON, for others to refuse. */
export function readStorageRequest(body: Buffer): StorageRequest | GatewayError | undefined {
  const scan = scanner.scan(body);
  if (!scan.ok) return undefined;
  const given = (field: Field): JsonSpan | undefined => {
    const span = scan.spans[field];
    return span === undefined || body[span.start] === LOWER_N ? undefined : span;
  };
  const refusal = unsupported(body, given);
  if (refusal !== undefined) return refusal;
  const wanted = given('store');
  const store = wanted && readJsonValue(body, wanted);
  if (wanted !== undefined && typeof store !== 'boolean') return invalid('store', 'a boolean');
  const previous = given('previous_response_id');
  const previousResponseId = previous && readJsonString(body, previous);
  if (previous !== undefined && previousResponseId === undefined) return invalid('previous_response_id', 'a string');
  return {
    store: store !== false,
    previousResponseId: previousResponseId === '' ? undefined : previousResponseId,
    mayRefer: body.includes(REFERENCE_BYTES),
    storeNot: store === false ? undefined : storeNot(body, scan.spans.store),
  };
}

/**
 * The edit that asks for the reasoning in a form that can be sent again: of an upstream that stores nothing it is all there
 * is to go on from. None: it is asked for already.
 */
export function askForReasoning(body: Buffer): ByteEdit[] {
  const scan = scanner.scan(body);
  if (!scan.ok) return [];
  const { include: span } = scan.spans;
  const asked = span && readJsonValue(body, span);
  if (Array.isArray(asked) && asked.includes(ENCRYPTED_REASONING)) return [];
  const include = JSON.stringify([...(Array.isArray(asked) ? asked : []), ENCRYPTED_REASONING]);
  return [span === undefined ? insertMembers(body, `"include":${include},`) : editOf(span, include)];
}

function storeNot(body: Buffer, span: JsonSpan | undefined): ByteEdit {
  if (span !== undefined) return editOf(span, 'false');
  return insertMembers(body, '"store":false,');
}

/** What lives at one provider cannot be offered over any. */
function unsupported(body: Buffer, given: (field: Field) => JsonSpan | undefined): GatewayError | undefined {
  const background = given('background');
  if (background !== undefined && readJsonValue(body, background) === true) {
    return refuse('background', 'responses are made while the client waits');
  }
  if (given('conversation') !== undefined) {
    return refuse('conversation', 'go on from a response with previous_response_id instead');
  }
  if (given('prompt') !== undefined)
    return refuse('prompt', 'there are no stored prompts; send instructions and input');
  return undefined;
}

function refuse(param: Field, instead: string): GatewayError {
  return new GatewayError('invalid_parameter', `Unsupported parameter: '${param}' is not supported here: ${instead}.`, {
    param,
    openaiCode: 'unsupported_parameter',
  });
}

function invalid(param: Field, expected: string): GatewayError {
  return new GatewayError('invalid_parameter', `${param}: must be ${expected}`, { param });
}
