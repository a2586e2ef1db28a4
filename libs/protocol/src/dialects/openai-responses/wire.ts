import { NAMESPACE_SEPARATOR, TOOL_SEARCH } from '../../conversation';
import type { JsonValue } from '../../json';
import { isPlainToolName } from '../../tool-names';

/** The words of an OpenAI Responses request, after `resources/responses/responses.d.ts` of `openai` 7.55. */
export const DIALECT_ID = 'openai-responses';

export const ROLES = ['assistant', 'system', 'developer', 'user'] as const;
export type WireRole = (typeof ROLES)[number];

export const ANNOTATION_TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  'file_citation',
  'url_citation',
  'container_file_citation',
  'file_path',
]);

/** What asks for the signature of the model's reasoning. */
export const INCLUDE_ENCRYPTED_REASONING = 'reasoning.encrypted_content';
export const INCLUDE_LOGPROBS = 'message.output_text.logprobs';

/** The API refuses a smaller `max_output_tokens`. */
export const OUTPUT_TOKENS_MIN = 16;

export interface ToolNameWire {
  name: string;
  namespace?: string;
}

export function joinToolName({ name, namespace }: ToolNameWire): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}${NAMESPACE_SEPARATOR}${name}`;
}

export function splitToolName(canonical: string): ToolNameWire {
  const end = canonical.indexOf(NAMESPACE_SEPARATOR);
  return end <= 0 ? { name: canonical } : { namespace: canonical.slice(0, end), name: canonical.slice(end + 1) };
}

/** Whether a canonical name can be sent as it is, its namespace beside it. */
export function isSendableToolName(canonical: string): boolean {
  if (canonical === TOOL_SEARCH) return true;
  const { name, namespace } = splitToolName(canonical);
  return isPlainToolName(name) && (namespace === undefined || isPlainToolName(namespace));
}

/** The tool that a choice means, which names no namespace: the one of that name, in whatever namespace. */
export function resolveToolName(name: string, names: ReadonlySet<string>): string {
  if (names.has(name)) return name;
  const inNamespaces = [...names].filter((candidate) => splitToolName(candidate).name === name);
  const [only] = inNamespaces;
  return only !== undefined && inNamespaces.length === 1 ? only : name;
}
