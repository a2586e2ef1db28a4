import { ApiFailure } from '../api-failure';
import { seal } from './sealed';
import { validateRequest } from './validate';

const user = { role: 'user', content: 'hello' };
const call = (call_id: string) => ({ type: 'function_call', call_id, name: 'f', arguments: '{}' });
const output = (call_id: string) => ({ type: 'function_call_output', call_id, output: 'ok' });
const reasoning = (encrypted_content: string) => ({ type: 'reasoning', summary: [], encrypted_content });

function refusal(more: object): ApiFailure | undefined {
  try {
    validateRequest({ model: 'm', input: [user], ...more });
  } catch (error) {
    if (error instanceof ApiFailure) return error;
    throw error;
  }
  return undefined;
}

it.each<[object, string, string | null]>([
  [{ model: undefined }, "Missing required parameter: 'model'.", 'model'],
  [{ input: undefined }, "Missing required parameter: 'input'.", 'input'],
  [{ messages: [user] }, "Unknown parameter: 'messages'.", 'messages'],
  [
    { input: [{ role: 'human', content: 'x' }] },
    "Invalid value: 'human'. Supported values are: 'assistant',",
    'input[0]',
  ],
  [{ input: [{ type: 'tool_result' }] }, "Invalid value: 'tool_result'.", 'input[0]'],
  [
    { input: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] },
    "Invalid value: 'text'. Supported values are: 'input_text',",
    'input[0].content[0]',
  ],
  [
    { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
    "Supported values are: 'output_text' and 'refusal'.",
    'input[0].content[0]',
  ],
  [
    { input: [{ ...call('a'), call_id: undefined }] },
    "Missing required parameter: 'input[0].call_id'.",
    'input[0].call_id',
  ],
  [{ input: [{ ...call('a'), name: 'a.b' }] }, 'string does not match pattern', 'input[0].name'],
  [{ input: [{ ...call('a'), id: 'call_a' }] }, "Expected an ID that begins with 'fc'.", 'input[0].id'],
  [{ input: [call('a'.repeat(65))] }, 'maximum length 64', 'input[0].call_id'],
  [{ input: [output('a')] }, 'No tool call found for function call output with call_id a.', 'input'],
  [{ input: [output('a'), call('a')] }, 'No tool call found for function call output with call_id a.', 'input'],
  [{ input: [call('a'), user] }, 'No tool output found for function call a.', 'input'],
  [{ input: [reasoning('ErUBCkYI')] }, 'could not be verified', null],
  [
    { input: [{ type: 'reasoning', encrypted_content: seal('') }] },
    "Missing required parameter: 'input[0].summary'.",
    'input[0].summary',
  ],
  [
    { tools: [{ type: 'function', function: { name: 'f' } }] },
    "Missing required parameter: 'tools[0].name'.",
    'tools[0].name',
  ],
  [{ tools: [{ type: 'bash' }] }, "Invalid value: 'bash'.", 'tools[0].type'],
  [
    { tool_choice: { type: 'function', name: 'f' } },
    "Tool choice 'function' not found in 'tools' parameter.",
    'tool_choice',
  ],
  [{ max_output_tokens: 15 }, 'Expected a value >= 16, but got 15 instead.', 'max_output_tokens'],
  [{ include: ['everything'] }, "Invalid value: 'everything'.", 'include[0]'],
  [{ text: { format: { type: 'json_object' } } }, "must contain the word 'json'", 'input'],
  [
    { text: { format: { type: 'json_schema', name: 'a' } } },
    "Missing required parameter: 'text.format.schema'.",
    'text.format.schema',
  ],
])('refuses %j in the API’s words', (more, words, param) => {
  const failure = refusal(more);
  expect(failure?.message).toContain(words);
  expect(failure).toMatchObject({ status: 400, param });
});

it('tells by its code that encrypted content is not its own, or not whole', () => {
  expect(refusal({ input: [reasoning('ErUBCkYI')] })?.code).toBe('invalid_encrypted_content');
  expect(refusal({ input: [reasoning(seal('a').slice(0, -4))] })?.code).toBe('invalid_encrypted_content');
  expect(refusal({ input: [{ type: 'compaction', encrypted_content: 'x' }] })?.code).toBe('invalid_encrypted_content');
});

it('takes a long history as clients send it', () => {
  const input = [
    { role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] },
    { type: 'additional_tools', role: 'developer', tools: [{ type: 'custom', name: 'patch' }] },
    user,
    reasoning(seal('I think.')),
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hm.' }] },
    ...[call('a'), call('b'), output('b'), output('a')],
    { type: 'custom_tool_call', call_id: 'c', name: 'patch', input: '***' },
    { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'done' }] },
    { type: 'compaction', encrypted_content: seal('short') },
  ];
  expect(refusal({ input, store: false, tools: [], tool_choice: { type: 'custom', name: 'patch' } })).toBeUndefined();
});
