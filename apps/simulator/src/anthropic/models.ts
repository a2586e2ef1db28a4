import { ApiFailure, refuse } from '../api-failure';
import type { JsonObject } from '../json';
import { MODEL_IDS } from '../model-ids';

const PAGE_DEFAULT = 20;
const PAGE_MAX = 1000;

/** `GET /v1/models[/id]` in Anthropic's shape, with its cursor pages. */
export function listModels(id: string | undefined, query: URLSearchParams): JsonObject {
  if (id !== undefined) {
    if (!MODEL_IDS.includes(id)) throw new ApiFailure(404, 'not_found_error', `model: ${id}`);
    return model(id);
  }
  const limit = Number(query.get('limit') ?? PAGE_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    refuse('limit: Input should be greater than or equal to 1 and less than or equal to 1000');
  }
  const after = query.get('after_id');
  const before = query.get('before_id');
  const end = before === null ? MODEL_IDS.length : Math.max(0, MODEL_IDS.indexOf(before));
  const start = before === null ? (after === null ? 0 : MODEL_IDS.indexOf(after) + 1) : Math.max(0, end - limit);
  const page = MODEL_IDS.slice(start, before === null ? start + limit : end);
  return {
    data: page.map(model),
    has_more: before === null ? start + limit < MODEL_IDS.length : start > 0,
    first_id: page[0] ?? null,
    last_id: page.at(-1) ?? null,
  };
}

function model(id: string): JsonObject {
  return {
    type: 'model',
    id,
    display_name: `Simulated ${id}`,
    created_at: '2026-01-01T00:00:00Z',
    max_input_tokens: 200_000,
    max_tokens: 128_000,
  };
}
