import { GatewayError } from '@switchboard/contracts';
import { DIALECTS, sniffRequest } from '@switchboard/protocol';
import { MemoryResponses } from '../__fixtures__/memory-responses';
import { candidate } from '../core/__fixtures__/candidate';
import { keyRecord } from '../core/__fixtures__/key-record';
import { InferenceRequest } from './inference-request';
import { encodeContext, prepareCall, type PreparedCall } from './prepare-call';
import { ResponseStorage } from './response-storage';
import type { StoredCall } from './stored-call';

const storage = new ResponseStorage(new MemoryResponses(), () => true);
const onResponses = candidate({ kind: 'responses-compatible' });
const onAnthropic = candidate({ kind: 'anthropic-compatible' });

async function request(body: object, strict = false): Promise<InferenceRequest> {
  const whole = { model: 'upstream-model', ...body };
  const stored = (await storage.read(Buffer.from(JSON.stringify(whole)), keyRecord())) as StoredCall;
  const sniffed = sniffRequest(stored.body);
  if (!sniffed.ok) throw new Error(sniffed.fault.message);
  return new InferenceRequest(DIALECTS['openai-responses'], stored.body, sniffed, {}, '', strict, { stored });
}

function prepared(...args: Parameters<typeof prepareCall>): PreparedCall {
  const call = prepareCall(...args);
  if (call instanceof GatewayError) throw call;
  return call;
}

const sent = (call: PreparedCall): unknown => JSON.parse(call.body.toString());
const unknown = { type: 'item_reference', id: 'rs_nobody' };

test('an upstream that speaks Responses stores nothing, and gives the reasoning in a form that can be sent again', async () => {
  const call = prepared(await request({ input: 'Hi' }), onResponses);
  expect([call.passThrough, sent(call)]).toEqual([
    true,
    { model: 'upstream-model', input: 'Hi', store: false, include: ['reasoning.encrypted_content'] },
  ]);
  const unstored = prepared(await request({ input: 'Hi', store: false }), onResponses);
  expect(unstored.body.toString()).toBe('{"model":"upstream-model","input":"Hi","store":false}');
  const { capabilities } = onResponses.model;
  const plain = candidate({ kind: 'responses-compatible' }, { capabilities: { ...capabilities, reasoning: false } });
  expect(sent(prepared(await request({ input: 'Hi' }), plain))).not.toHaveProperty('include');
});

test('a cap on the output, the name of the model and storage are put in together', async () => {
  const asked = await request({ model: 'other', input: 'Hi', include: [], max_output_tokens: 900 });
  expect(sent(prepared(asked, onResponses, 50))).toEqual({
    ...{ model: 'upstream-model', input: 'Hi', include: ['reasoning.encrypted_content'] },
    ...{ max_output_tokens: 50, store: false },
  });
});

test.each([
  ['a Responses', onResponses],
  ['another', onAnthropic],
])('what nobody knows is a loss before %s upstream, and refused where nothing may be lost', async (_, upstream) => {
  const input = [unknown, { role: 'user', content: 'Hi' }];
  const losses = [{ feature: 'item_reference', path: 'input[0]' }];
  expect(prepared(await request({ input }), upstream).requestLosses).toEqual(losses);
  const refusal = prepareCall(await request({ input }, true), upstream);
  expect(refusal).toMatchObject({ code: 'translation_loss', extra: { param: 'input[0]' } });
});

test('a translated reply says what was done, not what the upstream was told', async () => {
  const asked = await request({ input: 'Hi', store: true, metadata: { a: 'b' } });
  const call = prepared(asked, onAnthropic);
  expect(encodeContext(asked, call, 'req_1', 0).request).toMatchObject({
    ...{ store: true, previous_response_id: null, metadata: { a: 'b' } },
  });
});
