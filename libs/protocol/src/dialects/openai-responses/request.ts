import type { Conversation } from '../../conversation';
import type { Decoded, EncodedRequest, RequestTarget } from '../../dialect';
import type { JsonObject } from '../../json';

export function decodeRequest(_body: JsonObject): Decoded<Conversation> {
  throw new Error('not built yet');
}

export function encodeRequest(_conversation: Conversation, _target: RequestTarget): EncodedRequest {
  throw new Error('not built yet');
}
