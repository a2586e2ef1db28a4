import type { Part } from '../../conversation';
import { isJsonObject, type JsonObject } from '../../json';
import type { Findings } from '../openai/findings';
import { textMember } from '../openai/members';
import { reasoningText } from './convert-from-output';
import { openThinking } from './sealed-thinking';

const READ_OF_REASONING: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'summary', 'content', 'encrypted_content'],
]);

const READ_OF_TEXT: ReadonlySet<string> = new Set(['type', 'text']);

/** A reasoning item as thinking; none where it says nothing and has no signature. */
export function decodeReasoning(item: JsonObject, path: string, findings: Findings): Part[] {
  findings.leaveRest(item, READ_OF_REASONING, path);
  for (const list of ['summary', 'content']) {
    findings.array(item[list], `${path}.${list}`)?.forEach((part, index) => {
      if (isJsonObject(part)) findings.leaveRest(part, READ_OF_TEXT, `${path}.${list}[${index}]`);
    });
  }
  const { text, unread } = reasoningText(item);
  if (unread) findings.leave(`${path}.content`, item.content ?? []);
  const sealed = textMember(item, 'encrypted_content');
  if (sealed) return [openThinking(text, sealed)];
  return text === '' ? [] : [{ type: 'thinking', text }];
}
