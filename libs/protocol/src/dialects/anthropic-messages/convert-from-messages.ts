import type { Message } from '../../conversation';
import { isJsonObject, type JsonValue } from '../../json';
import { decodeContent } from './convert-from-blocks';
import type { Findings } from './findings';
import { isAbsent } from './wire';

const READ_OF_MESSAGE = new Set(['role', 'content']);

export function decodeSystem(system: JsonValue | undefined, findings: Findings): Message[] {
  if (isAbsent(system) || system === '') return [];
  const [parts, unmapped] = findings.collect(() => decodeContent(system, 'system', findings));
  if (parts.length === 0) return [];
  return [unmapped.length === 0 ? { role: 'system', parts } : { role: 'system', parts, unmapped }];
}

export function decodeMessages(value: JsonValue | undefined, findings: Findings): Message[] {
  if (isAbsent(value)) findings.missing('messages');
  const messages = findings.array(value, 'messages');
  if (messages?.length === 0) findings.fail('messages', 'at least one message is required');
  const decoded: Message[] = [];
  messages?.forEach((wire, index) => {
    const message = decodeMessage(wire, `messages[${index}]`, findings);
    if (message !== undefined) decoded.push(message);
  });
  return decoded;
}

function decodeMessage(message: JsonValue, path: string, findings: Findings): Message | undefined {
  if (!isJsonObject(message)) {
    findings.fail(path, 'Input should be a valid dictionary');
    return undefined;
  }
  const role = findings.requiredString(message, 'role', path);
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    // Claude Code looks for this very phrase.
    findings.fail(`${path}.role`, "Input should be 'user' or 'assistant'");
    return undefined;
  }
  if (isAbsent(message['content'])) findings.missing(`${path}.content`);
  const [parts, unmapped] = findings.collect(() => {
    findings.leaveRest(message, READ_OF_MESSAGE, path);
    return decodeContent(message['content'], `${path}.content`, findings);
  });
  return unmapped.length === 0 ? { role, parts } : { role, parts, unmapped };
}
