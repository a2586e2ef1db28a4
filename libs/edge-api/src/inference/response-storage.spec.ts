import { setImmediate } from 'node:timers/promises';
import { GatewayError } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';
import { MemoryResponses } from '../__fixtures__/memory-responses';
import { keyRecord } from '../core/__fixtures__/key-record';
import { ResponsesHandler } from '../responses-handler';
import { ResponseStorage } from './response-storage';
import type { StoredCall } from './stored-call';

const key = keyRecord();
const stranger = keyRecord({ tenant: { ...key.tenant, id: 'other' } });

let responses: MemoryResponses;
let storing: boolean;
let storage: ResponseStorage;
beforeEach(() => {
  responses = new MemoryResponses();
  storing = true;
  storage = new ResponseStorage(responses, () => storing);
});

async function read(body: object, by = key): Promise<StoredCall> {
  const call = await storage.read(Buffer.from(JSON.stringify(body)), by);
  if (call === undefined || call instanceof GatewayError) throw call ?? new Error('not read');
  return call;
}

const refusalOf = async (asked: Promise<unknown>): Promise<object> =>
  asked.then(
    () => ({}),
    (error: GatewayError) => ({ code: error.code, message: error.publicMessage, ...error.extra }),
  );

const sent = ({ body }: StoredCall): JsonObject => JSON.parse(body.toString()) as JsonObject;

/** As the upstream's reply `id` to it in one piece; what the client is told. */
async function reply(call: StoredCall, id: string, changes: object = {}): Promise<JsonObject> {
  const said = {
    ...{ id, object: 'response', model: 'test/model', status: 'completed', store: false, previous_response_id: null },
    output: [
      { type: 'reasoning', id: `rs_${id}`, summary: [], encrypted_content: 'sealed' },
      { type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed', content: [] },
    ],
    ...changes,
  };
  const told = call.reply(Buffer.from(JSON.stringify(said)), true);
  await setImmediate();
  return JSON.parse(told.toString()) as JsonObject;
}

test('a conversation goes on from its last response, and each has all that was said before it', async () => {
  const first = await read({ model: 'm', input: 'Hi', instructions: 'Be brief.' });
  expect(sent(first)).toEqual({ model: 'm', input: 'Hi', instructions: 'Be brief.', store: false });
  expect(await reply(first, 'resp_1')).toMatchObject({ store: true, previous_response_id: null });
  const second = await read({ model: 'm', input: 'And you?', previous_response_id: 'resp_1' });
  expect(sent(second)).toEqual({
    ...{ model: 'm', store: false },
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
      { type: 'reasoning', summary: [], encrypted_content: 'sealed' },
      { type: 'message', role: 'assistant', content: [] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'And you?' }] },
    ],
  });
  expect(await reply(second, 'resp_2')).toMatchObject({ store: true, previous_response_id: 'resp_1' });
  const third = await read({ input: [], previous_response_id: 'resp_2', store: false });
  expect(sent(third)['input']).toHaveLength(6);
  expect(responses.lookups).toBe(2);
  expect(await reply(third, 'resp_3')).toMatchObject({ store: false, previous_response_id: 'resp_2' });
  expect(responses.stored.map(({ id, tenantId, model }) => [id, tenantId, model])).toEqual([
    ['resp_1', key.tenant.id, 'test/model'],
    ['resp_2', key.tenant.id, 'test/model'],
  ]);
});

test('a request that refers to nothing is neither parsed nor waits for the store', () => {
  const call = storage.read(Buffer.from('{"model":"m","store":false,"input":"a \\ud800 half"}'), key);
  expect(call).toMatchObject({ stores: false, losses: [] });
  expect(responses.lookups).toBe(0);
});

test('items that a client refers to by id alone are put in their place; unknown ones are a loss, and fail nobody', async () => {
  await reply(await read({ input: 'Hi' }), 'resp_1');
  await reply(
    await read({
      input: [
        { type: 'item_reference', id: 'rs_resp_1' },
        { role: 'user', content: 'b' },
      ],
    }),
    'resp_2',
  );
  const input = ['rs_resp_1', 'rs_nobody', 'msg_resp_2', 'msg_resp_1'].map((id) => ({ type: 'item_reference', id }));
  const call = await read({ input });
  expect((sent(call)['input'] as JsonObject[]).map(({ type }) => type)).toEqual(['reasoning', 'message', 'message']);
  expect(call.losses).toEqual([{ feature: 'item_reference', path: 'input[1]' }]);
  expect((await read({ input }, stranger)).losses).toHaveLength(4);
});

test('a request that is only counted is counted with all it refers to, and says nothing of storage', async () => {
  await reply(await read({ input: 'Hi' }), 'resp_1');
  const whole = await storage.whole(Buffer.from('{"input":"b","previous_response_id":"resp_1"}'), key);
  expect(JSON.parse(String(whole))).toEqual({
    input: [expect.anything(), expect.anything(), expect.anything(), expect.anything()],
  });
  const bare = Buffer.from('{"input":"b"}');
  expect(await storage.whole(bare, key)).toBe(bare);
  expect(await storage.whole(Buffer.from('{"previous_response_id":"resp_9"}'), key)).toBeInstanceOf(GatewayError);
});

test('unknown, another tenant’s, or a store that is away: told in the API’s words', async () => {
  await reply(await read({ input: 'Hi' }), 'resp_1');
  const unknown = {
    ...{ code: 'invalid_parameter', message: "Previous response with id 'resp_1' not found." },
    ...{ param: 'previous_response_id', openaiCode: 'previous_response_not_found' },
  };
  expect(await refusalOf(read({ previous_response_id: 'resp_1', input: 'Hi' }, stranger))).toEqual(unknown);
  responses.away = true;
  expect(await refusalOf(read({ previous_response_id: 'resp_1', input: 'Hi' }))).toMatchObject({
    ...{ code: 'response_store_unavailable', retryAfterSeconds: 1 },
  });
});

test('nothing is kept where storing is off, the input is too large, or the reply did not end well', async () => {
  const large = await read({ input: 'x'.repeat(4 * 1024 * 1024) });
  expect(await reply(large, 'resp_1')).toMatchObject({ store: false });
  expect(await reply(await read({ input: 'Hi' }), 'resp_2', { status: 'failed' })).toMatchObject({ store: true });
  storing = false;
  expect(await reply(await read({ input: 'Hi', store: true }), 'resp_3')).toMatchObject({ store: false });
  expect(responses.stored).toEqual([]);
  const without = new ResponseStorage(undefined, () => true);
  expect(await without.read(Buffer.from('{"input":"Hi"}'), key)).toMatchObject({ echo: { store: false } });
});

test('what can be no id is not asked for', async () => {
  expect(await storage.find(key, 'resp\0')).toBeUndefined();
  expect(await storage.delete(key, 'x'.repeat(513))).toBe(false);
  const input = Array.from({ length: 3_000 }, (_, index) => ({
    type: 'item_reference',
    id: index === 0 ? '\0' : `rs_${index}`,
  }));
  const asked: number[] = [];
  responses.findByItems = (_, ids) => Promise.resolve(void asked.push(ids.length));
  expect((await read({ input })).losses).toHaveLength(3_000);
  expect([asked, responses.lookups]).toEqual([[2_000], 0]);
});

describe('ResponsesHandler', () => {
  const query = (text = '') => new URLSearchParams(text);
  const missing = { code: 'response_not_found', message: "Response with id 'resp_1' not found.", param: 'id' };
  let handler: ResponsesHandler;
  beforeEach(async () => {
    handler = new ResponsesHandler({ responses: storage });
    await reply(await read({ input: 'Hi' }), 'resp_1');
  });

  test('shows a response as it was told, and what it was asked', async () => {
    expect(await handler.show(key, 'resp_1', query())).toMatchObject({
      id: 'resp_1',
      store: true,
      status: 'completed',
    });
    const content = [{ type: 'input_text', text: 'Hi' }];
    const item = { type: 'message', id: 'msg_1_in0', role: 'user', status: 'completed', content };
    expect(await handler.inputItems(key, 'resp_1', query())).toEqual({
      ...{ object: 'list', data: [item], first_id: 'msg_1_in0', last_id: 'msg_1_in0', has_more: false },
    });
  });

  test('deletes it once, for its own tenant', async () => {
    expect(await refusalOf(handler.remove(stranger, 'resp_1'))).toEqual(missing);
    expect(await handler.remove(key, 'resp_1')).toEqual({ id: 'resp_1', object: 'response', deleted: true });
    expect(await refusalOf(handler.remove(key, 'resp_1'))).toEqual(missing);
    expect(await refusalOf(handler.show(key, 'resp_1', query()))).toEqual(missing);
  });

  test('refuses strangers, keys without the permission, a stream, and says when the store is away', async () => {
    expect(await refusalOf(handler.show(stranger, 'resp_1', query()))).toEqual(missing);
    const other = keyRecord({ permissions: ['embeddings'] });
    expect(await refusalOf(handler.inputItems(other, 'resp_1', query()))).toMatchObject({ code: 'permission_denied' });
    expect(await refusalOf(handler.show(key, 'resp_1', query('stream=true')))).toMatchObject({ param: 'stream' });
    expect(await refusalOf(handler.inputItems(key, 'resp_1', query('limit=0')))).toMatchObject({ param: 'limit' });
    responses.away = true;
    for (const asked of [handler.show(key, 'resp_1', query()), handler.remove(key, 'resp_1')]) {
      expect(await refusalOf(asked)).toMatchObject({ code: 'response_store_unavailable' });
    }
  });
});
