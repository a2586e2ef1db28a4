import type { Part } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Findings } from '../openai/findings';
import { textMember } from '../openai/members';
import { reasoningText } from './convert-from-output';
import { openThinking } from './sealed-thinking';

const READ_OF_REASONING: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'summary', 'content', 'encrypted_content'],
]);

/** A reasoning item as thinking; none where it says nothing and has no signature. */
export function decodeReasoning(item: JsonObject, path: string, findings: Findings): Part[] {
  findings.leaveRest(item, READ_OF_REASONING, path);
  findings.array(item.summary, `${path}.summary`);
  const content = findings.array(item.content, `${path}.content`) ?? [];
  const { text, unread } = reasoningText(item);
  if (unread) findings.leave(`${path}.content`, content);
  const sealed = textMember(item, 'encrypted_content');
  if (sealed) return [openThinking(text, sealed)];
  return text === '' ? [] : [{ type: 'thinking', text }];
}
