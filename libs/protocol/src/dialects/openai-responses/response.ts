import type { Decoded, EncodeContext, ReplyContext } from '../../dialect';
import type { JsonObject } from '../../json';
import type { Loss } from '../../loss';
import type { Reply } from '../../reply';

export function decodeReply(_body: JsonObject, _context: ReplyContext): Decoded<Reply> {
  throw new Error('not built yet');
}

export function encodeReply(_reply: Reply, _context: EncodeContext): { body: JsonObject; losses: Loss[] } {
  throw new Error('not built yet');
}
