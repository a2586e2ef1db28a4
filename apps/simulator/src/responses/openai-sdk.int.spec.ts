import OpenAI from 'openai';
import type {
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import { startSimulator, type RunningSimulator } from '../index';

let simulator: RunningSimulator;
let client: OpenAI;
beforeAll(async () => {
  simulator = await startSimulator();
  client = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'any-key', maxRetries: 0 });
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const PNG = `data:image/png;base64,${Buffer.alloc(68, 1).toString('base64')}`;
const WEATHER = {
  type: 'function' as const,
  name: 'get_weather',
  strict: false,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const PATCH = { type: 'custom' as const, name: 'apply_patch' };
type Ask = Omit<ResponseCreateParamsNonStreaming, 'stream'>;
const thinking: Pick<Ask, 'reasoning' | 'include'> = {
  reasoning: { effort: 'low', summary: 'auto' },
  include: ['reasoning.encrypted_content'],
};

async function events(ask: Ask): Promise<ResponseStreamEvent[]> {
  const stream = await client.responses.create({ ...ask, stream: true });
  const seen: ResponseStreamEvent[] = [];
  for await (const event of stream) seen.push(event);
  return seen;
}

it('creates a response whose usage is what the simulator says it served', async () => {
  const response = await client.responses.create({ model: 'sim-any', input: 'hello', temperature: 0.5 });
  expect(response).toMatchObject({ status: 'completed', temperature: 0.5, truncation: 'disabled', error: null });
  expect(response.output_text).toBe('Hi from the Switchboard simulator. You wrote: hello');
  const [served] = simulator.served().requests;
  expect(response.usage).toMatchObject({
    ...{ input_tokens: served?.input_tokens, output_tokens: served?.output_tokens },
  });
  expect(response._request_id).toBe(served?.request_id);
});

it('streams the same response, every event numbered, as the SDK’s own accumulator reads it', async () => {
  const ask = { model: 'sim-any;chunks=3', input: 'hello', ...thinking };
  const seen = await events(ask);
  expect(seen.map(({ sequence_number }) => sequence_number)).toEqual(seen.map((_, at) => at));
  expect(new Set(seen.map(({ type }) => type))).toEqual(
    new Set([
      ...['response.created', 'response.in_progress', 'response.output_item.added'],
      ...['response.reasoning_summary_part.added', 'response.reasoning_summary_text.delta'],
      ...['response.reasoning_summary_text.done', 'response.reasoning_summary_part.done'],
      ...['response.content_part.added', 'response.output_text.delta', 'response.output_text.done'],
      ...['response.content_part.done', 'response.output_item.done', 'response.completed'],
    ]),
  );
  const final = await client.responses.stream(ask).finalResponse();
  const whole = await client.responses.create(ask);
  expect(final.output.map((item) => item.type)).toEqual(['reasoning', 'message']);
  expect(final.output).toMatchObject(whole.output.map(({ id, type }) => ({ id, type })));
  expect(final.output_text).toBe(whole.output_text);
  expect(final.usage).toEqual(whole.usage);
});

it.each(['', ';interleave'])('ends a tool loop with parallel calls in two rounds, streamed (%s)', async (setting) => {
  const ask = { model: `sim-any;parallel_tools=2${setting}`, tools: [WEATHER, PATCH], ...thinking };
  const first = await client.responses.stream({ ...ask, input: 'hello' }).finalResponse();
  expect(first.output.map((item) => item.type)).toEqual(['reasoning', 'function_call', 'custom_tool_call']);
  const results = first.output.flatMap((item): ResponseInputItem[] => {
    if (item.type === 'function_call') {
      expect(JSON.parse(item.arguments)).toEqual({ city: 'city' });
      return [{ type: 'function_call_output' as const, call_id: item.call_id, output: '21 °C' }];
    }
    if (item.type !== 'custom_tool_call') return [];
    expect(item.input).toBe('input for apply_patch');
    const output = [
      { type: 'input_text' as const, text: '[error] no such file' },
      { type: 'input_image' as const, image_url: PNG, detail: 'auto' as const },
    ];
    return [{ type: 'custom_tool_call_output' as const, call_id: item.call_id, output }];
  });
  // What the SDK parsed of a call stays with it, and is no field of the wire.
  const history = first.output.map((item) => ({ ...item, parsed_arguments: undefined }));
  const second = await client.responses.create({
    ...ask,
    input: [{ role: 'user', content: 'hello' }, ...(history as typeof first.output), ...results] as never,
  });
  expect(second.output_text).toBe(
    'Tool said: 21 °C\nTool failed: [error] no such file\nI see 1 image (image/png, 68 bytes).',
  );
});

it('calls the tool a choice or a marker names, in a namespace too, and the client’s own search', async () => {
  const inner = { ...WEATHER, name: 'inner', description: '', parameters: { type: 'object' } };
  const namespace = { type: 'namespace' as const, name: 'mcp__files', description: '', tools: [inner] };
  const search = { type: 'tool_search' as const, execution: 'client' as const, parameters: { type: 'object' } };
  const ask = { model: 'sim-any', tools: [WEATHER, PATCH, namespace, search] };
  const call = async (more: Partial<Ask>) => {
    const response = await client.responses.create({ ...ask, input: 'hello', ...more });
    return response.output[0];
  };
  expect(await call({ tool_choice: { type: 'custom', name: 'apply_patch' } })).toMatchObject({
    ...{ type: 'custom_tool_call', name: 'apply_patch', status: 'completed' },
  });
  expect(await call({ input: '[[tool:inner {"a":1}]]' })).toMatchObject({
    ...{ type: 'function_call', name: 'inner', namespace: 'mcp__files', arguments: '{"a":1}' },
  });
  expect(await call({ input: '[[tool:tool_search {"query":"x"}]]' })).toMatchObject({
    ...{ type: 'tool_search_call', execution: 'client', arguments: { query: 'x' } },
  });
  expect(await call({ tool_choice: 'none' })).toMatchObject({ type: 'message' });
});

it('says incomplete when max_output_tokens cuts it, and refuses in a part of its own', async () => {
  const cut = client.responses.stream({ model: 'sim-any', input: 'x'.repeat(90), max_output_tokens: 16 });
  expect(await cut.finalResponse()).toMatchObject({
    ...{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, usage: { output_tokens: 16 } },
  });
  const refused = await client.responses.create({ model: 'sim-any;stop=refusal;text=No', input: 'hello' });
  expect(refused.output).toMatchObject([{ content: [{ type: 'refusal', refusal: 'No' }] }]);
});

it('answers a compaction trigger with one compaction item that it knows again', async () => {
  const user = { role: 'user' as const, content: 'hello' };
  const ask = { model: 'sim-any', tools: [WEATHER] };
  const compacted = await client.responses.create({ ...ask, input: [user, { type: 'compaction_trigger' }] });
  expect(compacted.output.map((item) => item.type)).toEqual(['compaction']);
  const items = compacted.output as ResponseInputItem[];
  const next = await client.responses.create({ ...ask, input: [...items, user], tool_choice: 'none' });
  expect(next.status).toBe('completed');
});

it('counts as it reports, and answers structured output with JSON of the schema', async () => {
  const schema = {
    ...{ type: 'object', additionalProperties: false, required: ['name'] },
    properties: { name: { type: 'string' } },
  };
  const format = { type: 'json_schema' as const, name: 'person', strict: true, schema };
  const ask = { model: 'sim-any', instructions: 'Be brief.', input: 'hello', text: { format } };
  const response = await client.responses.create(ask);
  expect(response.output_text).toBe('{"name":"name"}');
  const counted = await client.responses.inputTokens.count(ask);
  expect(counted).toMatchObject({ object: 'response.input_tokens', input_tokens: response.usage?.input_tokens });
});

it('breaks down in mid-stream with an error, which the SDK raises, and response.failed, numbered on', async () => {
  const ask = { model: 'sim-any;mid_stream_error=1', input: 'hello' };
  await expect(events(ask)).rejects.toThrow('Simulated failure in the middle of the stream');
  const raw = await client.responses.create({ ...ask, stream: true }).asResponse();
  const seen = (await raw.text())
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as ResponseStreamEvent);
  expect(seen.slice(-2)).toMatchObject([
    { type: 'error', code: 'server_error', message: 'Simulated failure in the middle of the stream' },
    { type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' } } },
  ]);
  expect(seen.map(({ sequence_number }) => sequence_number)).toEqual(seen.map((_, at) => at));
});

it('has nothing stored', async () => {
  const ask = { model: 'sim-any', input: 'hello' };
  await expect(client.responses.create({ ...ask, previous_response_id: 'resp_1' })).rejects.toMatchObject({
    ...{ status: 400, code: 'previous_response_not_found', param: 'previous_response_id' },
  });
  const reference = { type: 'item_reference' as const, id: 'rs_1' };
  await expect(client.responses.create({ ...ask, input: [reference] })).rejects.toMatchObject({ status: 404 });
  await expect(client.responses.create({ ...ask, model: 'sim-any;status=429;retry_after=3' })).rejects.toMatchObject({
    ...{ status: 429, code: 'rate_limit_exceeded' },
  });
});
