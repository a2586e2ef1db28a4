import { TOOL_SEARCH } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Loss } from '../../loss';
import { parseOr } from './convert-to-calls';
import type { ResponseStatus } from './reply-wire';
import { ANNOTATION_TYPES, splitToolName } from './wire';

export interface OutputCall {
  id: string;
  /** Canonical: with its namespace. */
  name: string;
  custom: boolean;
}

export function outputText(text: string, annotations: JsonValue[], logprobs: JsonValue[] = []): JsonObject {
  return { type: 'output_text', text, annotations, logprobs };
}

export function refusalContent(text: string): JsonObject {
  return { type: 'refusal', refusal: text };
}

export function messageItem(id: string, status: ResponseStatus, content: JsonValue[]): JsonObject {
  return { type: 'message', id, status, role: 'assistant', content };
}

/** @param summary empty where the thinking is not for anybody to read */
export function reasoningItem(id: string, summary: string, sealed: string | undefined): JsonObject {
  return {
    type: 'reasoning',
    id,
    summary: summary === '' ? [] : [{ type: 'summary_text', text: summary }],
    ...(sealed !== undefined && { encrypted_content: sealed }),
  };
}

/** The prefix of a call item's id. */
export function callPrefix({ name, custom }: OutputCall): string {
  if (name === TOOL_SEARCH) return 'tsc';
  return custom ? 'ctc' : 'fc';
}

/**
 * A call as the client runs it. Arguments cut off at the token limit stay cut off, as the API sends them; only "none" must
 * still be JSON.
 */
export function callItem(id: string, status: ResponseStatus, call: OutputCall, text: string): JsonObject {
  if (call.name === TOOL_SEARCH) return searchItem(id, status, call, text);
  const head = { id, status, call_id: call.id, ...splitToolName(call.name) };
  if (call.custom) return { type: 'custom_tool_call', ...head, input: text };
  return { type: 'function_call', ...head, arguments: text };
}

/** Its arguments are a value, not text; text that is no JSON goes as it is, which is no worse than to drop it. */
function searchItem(id: string, status: ResponseStatus, call: OutputCall, text: string): JsonObject {
  return {
    type: 'tool_search_call',
    id,
    status,
    call_id: call.id,
    execution: 'client',
    arguments: parseOr(text),
  };
}

/**
 * The annotations that citations become: those of this dialect as they are, and a web page that Anthropic cites for a
 * block as the citation of its URL for all of the text. What has no place here is a loss.
 */
export function annotationsOf(
  citations: readonly JsonValue[],
  text: string,
  path: string,
  losses: Loss[],
): JsonValue[] {
  const annotations: JsonValue[] = [];
  for (const citation of citations) {
    if (isJsonObject(citation) && ANNOTATION_TYPES.has(citation.type)) annotations.push(citation);
    else {
      const cited = isJsonObject(citation) ? citedUrl(citation, text) : undefined;
      if (cited) annotations.push(cited);
      losses.push({ feature: cited ? 'citations.cited_text' : 'citations', path: `${path}.citations` });
    }
  }
  return annotations;
}

function citedUrl(citation: JsonObject, text: string): JsonObject | undefined {
  const { type, url, title } = citation;
  if (type !== 'web_search_result_location' || typeof url !== 'string') return undefined;
  return {
    type: 'url_citation',
    start_index: 0,
    end_index: text.length,
    url,
    title: typeof title === 'string' ? title : '',
  };
}
