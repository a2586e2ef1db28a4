import { ApiFailure } from '../api-failure';
import type { JsonObject } from '../json';
import { MODEL_IDS } from '../model-ids';

/** `GET /v1/models[/id]` in OpenAI's shape. */
export function listModels(id: string | undefined): JsonObject {
  if (id === undefined) return { object: 'list', data: MODEL_IDS.map(model) };
  if (MODEL_IDS.includes(id)) return model(id);
  throw new ApiFailure(404, 'invalid_request_error', `The model '${id}' does not exist`, 'model', 'model_not_found');
}

function model(id: string): JsonObject {
  return { id, object: 'model', created: 1_767_225_600, owned_by: 'simulator' };
}
