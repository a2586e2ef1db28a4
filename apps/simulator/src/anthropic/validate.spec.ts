import { ApiFailure } from '../api-failure';
import { validateRequest } from './validate';

const HEADERS = { 'anthropic-version': '2023-06-01' };
const hello = { role: 'user', content: 'hello' };
const use = (id: string) => ({ type: 'tool_use', id, name: 'f', input: {} });
const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' });
const called = (...ids: string[]) => ({ role: 'assistant', content: ids.map(use) });
const tool = { name: 'f', input_schema: { type: 'object' } };

function refusal(more: object, headers: Record<string, string> = HEADERS): string {
  try {
    validateRequest({ model: 'm', max_tokens: 9, messages: [hello], ...more }, headers, false);
  } catch (error) {
    if (error instanceof ApiFailure) return error.message;
    throw error;
  }
  return '';
}

describe('validateRequest', () => {
  it.each([
    [{ max_tokens: undefined }, 'max_tokens: Field required'],
    [{ max_tokens: 0 }, 'max_tokens: Input should be greater than or equal to 1'],
    [{ model: undefined }, 'model: Field required'],
    [{ messages: undefined }, 'messages: Field required'],
    [{ messages: [] }, 'messages: at least one message is required'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, "messages.0.role: Input should be 'user' or 'assistant'"],
    [{ messages: [{ role: 'assistant', content: 'x' }, hello] }, 'messages: first message must use the "user" role'],
    [{ messages: [{ role: 'user', content: '' }] }, 'messages.0: all messages must have non-empty content'],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, 'text content blocks must be non-empty'],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] }, 'must contain non-whitespace text'],
    [{ messages: [hello, { role: 'assistant', content: 'so ' }] }, 'cannot end with trailing whitespace'],
    [{ system: [{ type: 'text', text: '' }] }, 'system: text content blocks must be non-empty'],
    [
      { messages: [hello, called('a'), hello] },
      '`tool_use` ids were found without `tool_result` blocks immediately after: a.',
    ],
    [
      { messages: [{ role: 'user', content: [result('z')] }] },
      'unexpected `tool_use_id` found in `tool_result` blocks: z.',
    ],
    [
      { messages: [hello, called('a'), { role: 'user', content: [{ type: 'text', text: 'x' }, result('a')] }] },
      'without `tool_result` blocks immediately after: a.',
    ],
    [
      { messages: [hello, called('a', 'a'), { role: 'user', content: [result('a')] }] },
      '`tool_use` ids must be unique',
    ],
    [
      { messages: [hello, called('a'), { role: 'user', content: [result('a'), result('a')] }] },
      'Found multiple `tool_result` blocks with id: a',
    ],
    [
      { messages: [hello, { role: 'assistant', content: [{ ...use('a'), input: '{' }] }] },
      'messages.1.content.0.tool_use.input: Input should be a valid dictionary',
    ],
    [{ tools: [{ ...tool, name: 'no spaces' }] }, 'tools.0.custom.name: String should match pattern'],
    [{ tools: [tool, tool] }, 'tools: Tool names must be unique.'],
    [{ tools: [{ name: 'f' }] }, 'tools.0.custom.input_schema: Field required'],
    [{ tools: [tool], tool_choice: { type: 'tool', name: 'g' } }, "Tool 'g' not found in provided tools"],
    [{ tool_choice: { type: 'any' } }, 'tool_choice may only be specified while providing tools.'],
    [
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      '`max_tokens` must be greater than `thinking.budget_tokens`.',
    ],
    [
      { tools: [tool], tool_choice: { type: 'any' }, thinking: { type: 'adaptive' } },
      'Thinking may not be enabled when tool_choice forces tool use.',
    ],
    [
      {
        max_tokens: 4000,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        messages: [hello, called('a'), { role: 'user', content: [result('a')] }],
      },
      'Expected `thinking` or `redacted_thinking`, but found `tool_use`',
    ],
    [{ temperature: 1.5 }, 'temperature: range: 0..1'],
    [{ tools: Array.from({ length: 5 }, (_, at) => ({ ...tool, name: `t${at}`, cache_control: {} })) }, 'Found 5.'],
  ])('refuses %j', (more, message) => {
    expect(refusal(more)).toContain(message);
  });

  it.each([
    [{ messages: [hello, hello, { role: 'assistant', content: 'a' }] }],
    [{ messages: [hello, { role: 'system', content: 'be brief' }] }],
    [
      {
        messages: [
          hello,
          called('a', 'b'),
          { role: 'user', content: [result('b')] },
          { role: 'user', content: [result('a')] },
        ],
      },
    ],
    [{ tools: [], unknown_field: true, temperature: 0.5 }],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
  ])('accepts %j', (more) => {
    expect(refusal(more)).toBe('');
  });

  it('wants a version, and no sampling parameters from 2026-10-21 on', () => {
    expect(refusal({}, {})).toBe('anthropic-version: header is required');
    expect(refusal({ temperature: 0.5 }, { 'anthropic-version': '2026-10-21' })).toContain('temperature');
  });
});
