import { GatewayError } from '@switchboard/contracts';
import { spliceBytes } from '@switchboard/protocol';
import { askForReasoning, readStorageRequest, type StorageRequest } from './storage-request';

function read(body: object): StorageRequest {
  const request = readStorageRequest(Buffer.from(JSON.stringify(body)));
  if (request === undefined || request instanceof GatewayError) throw request ?? new Error('not read');
  return request;
}

/** As the upstream gets it. */
function sent(body: object): unknown {
  const bytes = Buffer.from(JSON.stringify(body));
  const { storeNot } = read(body);
  return JSON.parse(spliceBytes(bytes, storeNot === undefined ? [] : [storeNot]).toString());
}

test.each([{}, { store: null }, { store: true }, { store: false }])(
  '%j: an upstream is told to store nothing',
  (given) => {
    expect(sent({ model: 'm', ...given, input: 'Hi' })).toEqual({ model: 'm', input: 'Hi', store: false });
    expect(read({ ...given, x: 1 }).store).toBe(given.store !== false);
  },
);

test('what already says so is not touched, and what refers to nothing is not to be parsed', () => {
  expect(read({ model: 'm', store: false })).toEqual({
    ...{ store: false, previousResponseId: undefined, mayRefer: false, storeNot: undefined },
  });
  expect(read({ previous_response_id: 'resp_1' }).previousResponseId).toBe('resp_1');
  expect(read({ previous_response_id: null }).previousResponseId).toBeUndefined();
  expect(read({ input: [{ type: 'item_reference', id: 'rs_1' }] }).mayRefer).toBe(true);
});

test.each([
  [{ background: true }, 'background', 'unsupported_parameter'],
  [{ conversation: 'conv_1' }, 'conversation', 'unsupported_parameter'],
  [{ conversation: { id: 'conv_1' } }, 'conversation', 'unsupported_parameter'],
  [{ prompt: { id: 'pmpt_1' } }, 'prompt', 'unsupported_parameter'],
  [{ store: 'yes' }, 'store', undefined],
  [{ previous_response_id: 7 }, 'previous_response_id', undefined],
])('%j is refused by name', (body, param, openaiCode) => {
  const refusal = readStorageRequest(Buffer.from(JSON.stringify(body)));
  expect(refusal).toBeInstanceOf(GatewayError);
  expect((refusal as GatewayError).extra).toEqual({ param, ...(openaiCode !== undefined && { openaiCode }) });
});

test('nulls, and a background that is off, are nothing', () => {
  expect(read({ background: false, conversation: null, prompt: null, previous_response_id: '' }).store).toBe(true);
  expect(readStorageRequest(Buffer.from('cheese'))).toBeUndefined();
});

test.each([
  [{ a: 1 }, ['reasoning.encrypted_content']],
  [{ include: null }, ['reasoning.encrypted_content']],
  [{ include: ['message.output_text.logprobs'] }, ['message.output_text.logprobs', 'reasoning.encrypted_content']],
])('reasoning is asked for in a form that can be sent again: %j', (body, include) => {
  const bytes = Buffer.from(JSON.stringify(body));
  const asked = spliceBytes(bytes, askForReasoning(bytes));
  expect(JSON.parse(asked.toString())).toMatchObject({ include });
  expect(askForReasoning(asked)).toEqual([]);
});
