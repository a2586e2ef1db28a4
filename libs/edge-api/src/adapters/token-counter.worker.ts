import { parentPort } from 'node:worker_threads';
import { DIALECTS, isJsonObject, type DialectId } from '@switchboard/protocol';
import { get_encoding } from 'tiktoken';
import { countable, TOKENS_PER_IMAGE, TOKENS_PER_MESSAGE } from '../core/countable-text';

export interface CountRequest {
  id: number;
  dialect: DialectId;
  body: Uint8Array;
}

export type CountReply =
  | { id: number; tokens: number }
  /** The body is not a request of its dialect. */
  | { id: number; fault: string; param: string | undefined };

const encoding = get_encoding('cl100k_base');

function count({ id, dialect, body }: CountRequest): CountReply {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return { id, fault: 'The request body is not valid JSON', param: undefined };
  }
  if (!isJsonObject(parsed)) return { id, fault: 'The request body must be a JSON object', param: undefined };
  // Counting needs no output limit, which this dialect otherwise demands.
  const decoded = DIALECTS[dialect].decodeRequest(
    dialect === 'anthropic-messages' ? { max_tokens: 1, ...parsed } : parsed,
  );
  if (!decoded.ok) return { id, fault: decoded.fault.message, param: decoded.fault.param };
  const { texts, images, messages } = countable(decoded.value);
  let tokens = images * TOKENS_PER_IMAGE + messages * TOKENS_PER_MESSAGE;
  // Special tokens in a prompt are plain text here.
  for (const text of texts) tokens += encoding.encode(text, [], []).length;
  return { id, tokens };
}

parentPort?.on('message', (request: CountRequest) => parentPort?.postMessage(count(request)));
