import { ApiFailure } from '../api-failure';
import { validateRequest } from './validate';

const hello = { role: 'user', content: 'hello' };
const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
const called = (...ids: string[]) => ({ role: 'assistant', tool_calls: ids.map(call) });
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'ok' });
const tool = (name: string) => ({ type: 'function', function: { name } });
const format = (schema: object) => ({ type: 'json_schema', json_schema: { name: 's', strict: true, schema } });

function refusal(more: object): ApiFailure | undefined {
  try {
    validateRequest({ model: 'm', messages: [hello], ...more });
  } catch (error) {
    if (error instanceof ApiFailure) return error;
    throw error;
  }
  return undefined;
}

describe('validateRequest', () => {
  it.each([
    [{ model: undefined }, 'you must provide a model parameter', null],
    [{ messages: undefined }, "Missing required parameter: 'messages'.", 'messages'],
    [{ messages: [] }, "Invalid 'messages': empty array.", 'messages'],
    [{ messages: [{ role: 'human', content: 'x' }] }, "Invalid value: 'human'.", 'messages[0].role'],
    [
      { messages: [{ role: 'user', content: null }] },
      "Invalid value for 'content': expected a string, got null.",
      'messages.[0].content',
    ],
    [
      { messages: [hello, result('a')] },
      "messages with role 'tool' must be a response to a preceeding message",
      'messages.[1].role',
    ],
    [{ messages: [hello, called('a'), hello] }, 'did not have response messages: a', 'messages.[2].role'],
    [{ messages: [hello, called('a', 'b'), result('a')] }, 'did not have response messages: b', 'messages.[3].role'],
    [
      {
        messages: [
          hello,
          called('a'),
          { ...result('a'), content: [{ type: 'image_url', image_url: { url: 'https://x' } }] },
        ],
      },
      "Image URLs are only allowed for messages with role 'user'",
      'messages[2].content[0]',
    ],
    [
      {
        messages: [
          hello,
          { role: 'assistant', tool_calls: [{ ...call('a'), function: { name: 'f', arguments: {} } }] },
        ],
      },
      'expected a string, but got an object instead.',
      'messages[1].tool_calls[0].function.arguments',
    ],
    [{ messages: [hello, called('a'.repeat(41)), result('a')] }, 'maximum length 40', 'messages[1].tool_calls[0].id'],
    [{ tools: [tool('no spaces')] }, 'string does not match pattern', 'tools[0].function.name'],
    [{ tools: [tool('x'.repeat(65))] }, 'string too long', 'tools[0].function.name'],
    [{ tools: [] }, "Invalid 'tools': empty array.", 'tools'],
    [{ tool_choice: 'auto' }, "'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice'],
    [{ parallel_tool_calls: true }, "only allowed when 'tools' are specified.", 'parallel_tool_calls'],
    [{ max_tokens: 1, max_completion_tokens: 1 }, 'at the same time is not supported', 'max_tokens'],
    [{ max_tokens: 0 }, 'integer below minimum value', 'max_tokens'],
    [{ stop: ['1', '2', '3', '4', '5'] }, "Invalid 'stop': array too long.", 'stop'],
    [{ stream_options: {} }, "only allowed when 'stream' is enabled.", 'stream_options'],
    [{ response_format: { type: 'json_object' } }, "must contain the word 'json'", 'messages'],
    [{ response_format: format({ properties: { a: {} } }) }, "'additionalProperties' is required", 'response_format'],
  ])('refuses %j', (more, message, param) => {
    const failure = refusal(more);
    expect(failure?.message).toContain(message);
    expect(failure?.param).toBe(param);
  });

  it.each([
    [{ messages: [{ role: 'developer', content: 'x' }, hello, called('a', 'b'), result('b'), result('a'), hello] }],
    [{ tools: [tool('f')], tool_choice: 'required', parallel_tool_calls: false }],
    [{ stream: true, stream_options: { include_usage: true }, unknown_field: 1 }],
    [
      {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
        ],
      },
    ],
  ])('accepts %j', (more) => {
    expect(refusal(more)).toBeUndefined();
  });
});
