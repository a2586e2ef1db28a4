import type { Dialect, EncodeContext, RequestTarget } from '../dialect';
import { isJsonObject, type JsonObject } from '../json';
import { cutBytes } from './stream-grammar';
import { SseDecoder } from '../sse/decoder';
import type { Loss } from '../loss';
import type { StreamEnd } from '../stream-event';

/** An upstream model that takes everything. */
export const TARGET: RequestTarget = {
  model: 'upstream-model',
  maxOutputTokens: 64_000,
  vision: true,
  documents: true,
  reasoning: true,
  customTools: true,
};

export const SHOWN: EncodeContext = {
  model: 'shown/model',
  id: 'made-up',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

export interface Translated {
  body: JsonObject;
  losses: Loss[];
  toolNames: ReadonlyMap<string, string>;
}

/** A client's body as the upstream gets it, through JSON as on the wire. Throws where it is refused. */
export function translateRequest(client: Dialect, upstream: Dialect, body: JsonObject, target = TARGET): Translated {
  const decoded = client.decodeRequest(body);
  if (!decoded.ok) throw new Error(decoded.fault.message);
  const encoded = upstream.encodeRequest(decoded.value, target);
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return { ...encoded, body: throughJson(encoded.body) };
}

export function translateReply(
  upstream: Dialect,
  client: Dialect,
  body: JsonObject,
  toolNames: ReadonlyMap<string, string> = new Map(),
): { body: JsonObject; losses: Loss[] } {
  const decoded = upstream.decodeReply(body, { toolNames });
  if (!decoded.ok) throw new Error(decoded.fault.message);
  const encoded = client.encodeReply(decoded.value, SHOWN);
  return { ...encoded, body: throughJson(encoded.body) };
}

/** Upstream bytes as the client gets them. */
export function translateStream(
  upstream: Dialect,
  client: Dialect,
  bytes: Buffer,
  how: StreamEnd = 'completed',
  cuts: readonly number[] = [],
): { text: string; losses: readonly Loss[] } {
  const sse = new SseDecoder();
  const decoder = upstream.streamDecoder({ toolNames: new Map() });
  const encoder = client.streamEncoder(SHOWN);
  let text = '';
  for (const piece of cutBytes(bytes, cuts)) {
    for (const event of sse.push(piece)) for (const canonical of decoder.push(event)) text += encoder.push(canonical);
  }
  for (const canonical of decoder.end(how)) text += encoder.push(canonical);
  return { text, losses: encoder.losses };
}

export function throughJson<Value extends JsonObject>(body: Value): Value {
  return JSON.parse(JSON.stringify(body)) as Value;
}

/** One value for all spellings of the same arguments. */
export function spelled(text: string, lost: ReadonlySet<string>): unknown {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    const wrapped = isJsonObject(value) && ['raw', 'value'].includes(Object.keys(value).join());
    return lost.has('tool_arguments.invalid') && (!isJsonObject(value) || wrapped) ? 'lost' : value;
  } catch {
    return lost.has('tool_arguments.invalid') ? 'lost' : text;
  }
}
