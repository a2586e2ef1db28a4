import { GatewayError } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';
import { listedItem } from './stored-input';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

/** `GET /v1/responses/{id}/input_items`: `limit`, `after` and `order` as the API has them, the latest first by default. */
export function inputItemsPage(input: readonly JsonObject[], query: URLSearchParams): JsonObject | GatewayError {
  const limit = Number(query.get('limit') ?? LIMIT_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    return invalid('limit', `must be an integer from 1 to ${LIMIT_MAX}`);
  }
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') return invalid('order', "must be 'asc' or 'desc'");
  const ordered = order === 'asc' ? input : [...input].reverse();
  const after = query.get('after');
  const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) return invalid('after', 'is no item of this response');
  const data = ordered.slice(start, start + limit).map(listedItem);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < ordered.length,
  };
}

function invalid(param: string, reason: string): GatewayError {
  return new GatewayError('invalid_parameter', `${param}: ${reason}`, { param });
}
