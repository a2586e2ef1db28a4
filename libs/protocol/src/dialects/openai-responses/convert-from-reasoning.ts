import type { Part } from '../../conversation';
import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import type { Findings } from '../openai/findings';
import { textMember } from '../openai/members';
import { openThinking } from './sealed-thinking';

const READ_OF_REASONING: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'summary', 'content', 'encrypted_content'],
]);

/** A reasoning item as thinking; none where it says nothing and has no signature. */
export function decodeReasoning(item: JsonObject, path: string, findings: Findings): Part[] {
  findings.leaveRest(item, READ_OF_REASONING, path);
  const summary = joinTexts(findings.array(item.summary, `${path}.summary`), '\n\n');
  const content = joinTexts(findings.array(item.content, `${path}.content`), '');
  if (summary !== '' && content !== '') findings.leave(`${path}.content`, item.content ?? []);
  const text = summary === '' ? content : summary;
  const sealed = textMember(item, 'encrypted_content');
  if (sealed) return [openThinking(text, sealed)];
  return text === '' ? [] : [{ type: 'thinking', text }];
}

function joinTexts(parts: JsonValue[] = [], separator: string): string {
  return parts.map((part) => (isJsonObject(part) ? (textMember(part, 'text') ?? '') : '')).join(separator);
}
