import { readEmbeddingsCall } from './embeddings';

const VECTOR = [0.5, -0.25, 1e-3];
const AS_FLOATS = VECTOR.map(Math.fround);
const AS_BASE64 = Buffer.from(new Float32Array(VECTOR).buffer).toString('base64');

const context = {
  model: 'test/embeds',
  includeUsage: false,
  costUsd: ({ inputTokens }: { inputTokens: number }) => inputTokens,
};

function call(members: object = {}) {
  const read = readEmbeddingsCall(Buffer.from(JSON.stringify({ model: 'm', input: 'Hi', ...members })));
  if (!read.ok) throw new Error(read.fault.message);
  return read.value;
}

function reply(embedding: unknown, more: object = {}): string {
  return JSON.stringify({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding }],
    ...{ model: 'upstream-model', usage: { prompt_tokens: 4, total_tokens: 4 } },
    ...more,
  });
}

const tapped = (asked: object, body: string) => call(asked).tapReply(Buffer.from(body), context);
const told = (asked: object, body: string) => JSON.parse(tapped(asked, body).body.toString());

test.each<[string, object, unknown, unknown]>([
  ['numbers where it asked for nothing', {}, VECTOR, VECTOR],
  ['numbers where it asked for nothing and base64 came', {}, AS_BASE64, AS_FLOATS],
  ['numbers where base64 came', { encoding_format: 'float' }, AS_BASE64, AS_FLOATS],
  ['base64 where it came', { encoding_format: 'base64' }, AS_BASE64, AS_BASE64],
  ['base64 where numbers came', { encoding_format: 'base64' }, VECTOR, AS_BASE64],
])('a client gets %s', (_, asked, given, wanted) => {
  expect(told(asked, reply(given)).data).toEqual([{ object: 'embedding', index: 0, embedding: wanted }]);
});

test('every vector of many is converted, whatever stands around it', () => {
  const data = [VECTOR, AS_BASE64, []].map((embedding, index) => ({
    embedding,
    index,
    object: 'embedding',
    extra: 'embedding',
  }));
  const body = JSON.stringify({ data, model: 'm', usage: { prompt_tokens: 1, total_tokens: 1 } }, null, 1);
  const { data: converted } = told({ encoding_format: 'base64' }, body);
  expect(converted.map(({ embedding }: { embedding: string }) => embedding)).toEqual([AS_BASE64, AS_BASE64, '']);
  expect(converted[1]).toEqual({ embedding: AS_BASE64, index: 1, object: 'embedding', extra: 'embedding' });
});

test('bytes pass as they are, but for the name of the model and the cost', () => {
  const body = reply('AAAAAA==').replace('"object":"list"', '"object" : "list"');
  const { body: passed, usage } = tapped({ encoding_format: 'base64' }, body);
  expect(passed.toString()).toBe(
    body.replace('"upstream-model"', '"test/embeds"').replace('"total_tokens":4', '"total_tokens":4,"cost_usd":4'),
  );
  expect(usage).toMatchObject({ inputTokens: 4, outputTokens: 0 });
});

test('a total is as good as its only part; without figures nothing is made up', () => {
  const usageOf = (usage: object | null) => tapped({}, reply(VECTOR, { usage })).usage;
  expect(usageOf({ total_tokens: 7 })).toMatchObject({ inputTokens: 7 });
  expect(usageOf({ prompt_tokens: 0, total_tokens: 0 })).toBeUndefined();
  expect(usageOf(null)).toBeUndefined();
});

test.each([
  ['no JSON', 'oops'],
  ['cut off', reply(VECTOR).slice(0, -9)],
  ['a reply of Chat', JSON.stringify({ choices: [], model: 'm' })],
  ['a vector that is none', reply({ vector: VECTOR })],
  ['a vector of words', reply(['a']).replace('[{', ' [{')],
  ['half a number', reply('AAA=')],
  ['no base64', reply('%%%%')],
  ['what is no number', reply(Buffer.from(new Float32Array([NaN]).buffer).toString('base64'))],
])('%s is no reply', (_, body) => {
  const wanted = body.includes('"a"') ? 'base64' : 'float';
  expect(tapped({ encoding_format: wanted }, body).failure).toMatchObject({ kind: 'malformed' });
});

test('an error that came with status 200 is told as one', () => {
  const { failure } = tapped({}, JSON.stringify({ error: { message: 'no GPU', type: 'server_error' } }));
  expect(failure).toEqual({ kind: 'upstream', type: 'server_error', message: 'no GPU' });
});

test.each<[object, string, RegExp]>([
  [{ input: undefined }, 'input', /Missing required parameter: 'input'/],
  [{ input: null }, 'input', /Missing/],
  [{ input: '' }, 'input', /empty string/],
  [{ input: { text: 'Hi' } }, 'input', /string or an array/],
  [{ encoding_format: 'binary' }, 'encoding_format', /'float' or 'base64'/],
  [{ encoding_format: 5 }, 'encoding_format', /'float' or 'base64'/],
])('%j is refused, naming %s', (members, param, message) => {
  const read = readEmbeddingsCall(Buffer.from(JSON.stringify({ model: 'm', input: 'Hi', ...members })));
  expect(read).toMatchObject({ ok: false, fault: { param, message: expect.stringMatching(message) } });
});

test.each([['Hi'], [['Hi', 'you']], [[1, 2, 3]], [[[1], [2, 3]]]])('%j is input', (input) => {
  expect(call({ input, encoding_format: null, dimensions: 3, user: 'u' })).toMatchObject({ replyCount: 0 });
});
