import { GatewayError } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';
import { inputItemsPage } from './input-items-page';

const items = Array.from({ length: 25 }, (_, index) => ({
  type: 'function_call_output',
  id: `fco_${index}`,
  output: '1',
}));

const page = (query: string) => {
  const answered = inputItemsPage(items, new URLSearchParams(query));
  if (answered instanceof GatewayError) return answered.extra.param;
  const { data, first_id, last_id, has_more } = answered;
  return [(data as unknown[]).length, first_id, last_id, has_more];
};

test.each([
  ['', [20, 'fco_24', 'fco_5', true]],
  ['after=fco_5', [5, 'fco_4', 'fco_0', false]],
  ['order=asc&limit=2', [2, 'fco_0', 'fco_1', true]],
  ['order=asc&limit=100&after=fco_1', [23, 'fco_2', 'fco_24', false]],
  ['after=fco_0', [0, null, null, false]],
  ['limit=0', 'limit'],
  ['limit=101', 'limit'],
  ['limit=x', 'limit'],
  ['order=up', 'order'],
  ['after=nobody', 'after'],
])('%j', (query, answer) => expect(page(query)).toEqual(answer));

test('messages are listed in the form of the API, whatever the client wrote', () => {
  const input: JsonObject[] = [
    { type: 'message', id: 'msg_0', role: 'user', content: 'Hi' },
    { type: 'message', id: 'msg_1', role: 'assistant', content: 'Hello', status: 'incomplete' },
  ];
  expect(inputItemsPage(input, new URLSearchParams('order=asc'))).toMatchObject({
    object: 'list',
    data: [
      { ...input[0], status: 'completed', content: [{ type: 'input_text', text: 'Hi' }] },
      { ...input[1], content: [{ type: 'output_text', text: 'Hello' }] },
    ],
  });
});
