import type { EncodeContext } from '../../dialect';
import type { JsonObject, JsonValue } from '../../json';
import { isAbsent } from '../openai/members';
import { RESPONSE_OBJECT } from './reply-wire';

const ID_PREFIX = 'resp_';

/** What the API says of a request that does not say it. */
const DEFAULTS: Readonly<JsonObject> = {
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  safety_identifier: null,
  service_tier: 'auto',
  store: true,
  temperature: 1,
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
};

/** The id of the response as the client is told: by it, it asks for the response again. */
export function responseId({ id }: EncodeContext): string {
  return id.startsWith(ID_PREFIX) ? id : `${ID_PREFIX}${id}`;
}

/** The id of the item at `index` of the output: the same for the same response, whoever builds it. */
export function itemId(prefix: string, context: EncodeContext, index: number): string {
  return `${prefix}_${responseId(context).slice(ID_PREFIX.length)}_${index}`;
}

/** An item that is passed on whole; one that we made (a summary) has no id yet. */
export function wholeItem(wire: JsonObject, id: (prefix: string) => string): JsonObject {
  return wire.id === undefined && wire.type === 'compaction' ? { id: id('cmp'), ...wire } : { ...wire };
}

/** A response before anything of its end and output is known. What the request says is told back, or the API's defaults. */
export function responseShell(context: EncodeContext): JsonObject {
  const { request = {} } = context;
  return {
    id: responseId(context),
    object: RESPONSE_OBJECT,
    created_at: context.createdAtSeconds,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    model: context.model,
    ...toldBack(request),
    reasoning: { effort: null, summary: null, ...memberObject(request.reasoning) },
    text: { format: { type: 'text' }, ...memberObject(request.text) },
    usage: null,
    output: [],
  };
}

function toldBack(request: JsonObject): JsonObject {
  const told: JsonObject = {};
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = request[name];
    told[name] = isAbsent(value) ? standard : value;
  }
  return told;
}

function memberObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
