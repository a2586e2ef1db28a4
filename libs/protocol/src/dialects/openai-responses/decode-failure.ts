import type { JsonObject } from '../../json';
import type { StreamFailure } from '../../stream-event';
import { decodeErrorValue } from '../openai/errors';

const UNWORDED = 'The upstream reported an error without a message.';

/**
 * The failure that an `error` event tells (flat, as the API documents it, or with the error in a member, as it is also seen),
 * a failed response, or a body that is nothing but an error. Its code says what kind it is; imitators have a type for that.
 */
export function decodeFailure(body: JsonObject): StreamFailure {
  const error = decodeErrorValue(body);
  const type = error?.code ?? error?.type;
  return { kind: 'upstream', ...(type !== undefined && { type }), message: error?.message ?? UNWORDED };
}
