import type { Conversation } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Encoding } from './encoding';
import type { Findings } from './findings';

/** The longest `user` the API takes, in UTF-16 units. */
const END_USER_LENGTH_MAX = 64;

/** Into `params`. `safety_identifier` replaces `user` and wins where both are given. */
export function decodeEndUser(params: Pick<Conversation, 'endUser'>, body: JsonObject, findings: Findings): void {
  const newer = findings.scalar(body, 'safety_identifier', 'string');
  const older = findings.scalar(body, 'user', 'string');
  if (newer !== undefined && older !== undefined && newer !== older) findings.leave('user', older);
  const endUser = newer ?? older;
  if (endUser !== undefined) params.endUser = endUser;
}

/** Claude Code names its user by a JSON text far longer than OpenAI takes. */
export function encodeEndUser({ endUser }: Conversation, encoding: Encoding): JsonObject {
  if (endUser === undefined) return {};
  if (endUser.length <= END_USER_LENGTH_MAX) return { user: endUser };
  encoding.lose('user', 'metadata.user_id');
  return {};
}
