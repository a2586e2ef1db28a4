import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import OpenAI from 'openai';
import type {
  Response,
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses';
import { startGateway, type RunningGateway } from '../gateway';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider } from './gateway-config';
import { servedHeaders } from './two-upstreams';

type Ask = Omit<ResponseCreateParamsNonStreaming, 'stream'>;

const UPSTREAMS = ['responses', 'chat', 'anthropic'] as const;
type Upstream = (typeof UPSTREAMS)[number];

/** What the simulator is to do, as the suffix of the upstream's model name. */
const SCENARIOS = {
  plain: '',
  thinking: ';thinking=1;parallel_tools=2',
  busy: ';status=429;retry_after=7',
  breaking: ';chunks=10;chunk_delay_ms=20;mid_stream_error=3',
};
const modelId = (upstream: Upstream, scenario: keyof typeof SCENARIOS = 'plain'): string =>
  `test/${scenario}-on-${upstream}`;

const PNG = `data:image/png;base64,${Buffer.alloc(68, 1).toString('base64')}`;
const GREETING = 'Hi from the Switchboard simulator. You wrote: hello';
const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER = { type: 'function' as const, name: 'get_weather', strict: false, parameters: CITY };
const PATCH = { type: 'custom' as const, name: 'apply_patch', description: 'Applies a patch.' };
/** As Codex and the AI SDK ask. */
const THINKING: Pick<Ask, 'reasoning' | 'include' | 'store'> = {
  ...{ reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'], store: false },
};

let simulator: RunningSimulator;
let gateway: RunningGateway;
let client: OpenAI;

beforeAll(async () => {
  simulator = await startSimulator();
  const names = Object.keys(SCENARIOS) as (keyof typeof SCENARIOS)[];
  const config = gatewayConfig(
    [
      provider('responses', 'chat', simulator.url, { kind: 'openai' }),
      provider('chat', 'chat', simulator.url),
      provider('anthropic', 'anthropic', simulator.url),
    ],
    UPSTREAMS.flatMap((upstream) =>
      names.map((name) => {
        const served = [{ provider: upstream, model: `sim-any${SCENARIOS[name]}` }];
        return model(modelId(upstream, name), served);
      }),
    ),
  );
  gateway = await startGateway({ config, env: GATEWAY_ENV });
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: KEY, maxRetries: 0 });
}, 120_000);
afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
}, 60_000);
beforeEach(() => simulator.reset());

/** What goes back to the model: its own items as they came, but for what the SDK read into them. */
function history(response: Response): ResponseInputItem[] {
  return response.output.map((item) => ({ ...item, parsed_arguments: undefined, parsed: undefined })) as never;
}

function results(response: Response): ResponseInputItem[] {
  return response.output.flatMap((item): ResponseInputItem[] => {
    if (item.type === 'function_call') {
      return [{ type: 'function_call_output', call_id: item.call_id, output: '21 °C' }];
    }
    if (item.type !== 'custom_tool_call') return [];
    const output = [
      { type: 'input_text' as const, text: 'done' },
      { type: 'input_image' as const, image_url: PNG, detail: 'auto' as const },
    ];
    return [{ type: 'custom_tool_call_output', call_id: item.call_id, output }];
  });
}

describe.each(UPSTREAMS)('the OpenAI SDK’s responses before the %s upstream', (upstream) => {
  it('answer under the catalog id, with the usage that the upstream served, at its own path', async () => {
    const ask: Ask = { model: modelId(upstream), instructions: 'Be brief.', input: 'hello', max_output_tokens: 900 };
    const { data, response } = await client.responses.create(ask).withResponse();
    expect(data.output_text).toBe(GREETING);
    expect(data).toMatchObject({ object: 'response', status: 'completed', model: modelId(upstream), error: null });
    const [served] = simulator.served().requests;
    expect(data.usage).toMatchObject({ input_tokens: served?.input_tokens, output_tokens: served?.output_tokens });
    const paths = { responses: '/v1/responses', chat: '/v1/chat/completions', anthropic: '/v1/messages' };
    expect(served?.path).toBe(paths[upstream]);
    const { requestId, sdkRequestId, losses } = servedHeaders(response.headers);
    expect([sdkRequestId, losses]).toEqual([requestId, null]);
  });

  it('stream in order, to the same response', async () => {
    const events: ResponseStreamEvent[] = [];
    const stream = client.responses.stream({ model: modelId(upstream), input: 'hello' });
    stream.on('event', (event) => void events.push(event as ResponseStreamEvent));
    const final = await stream.finalResponse();
    expect(final.output_text).toBe(GREETING);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    expect(events[0]?.type).toBe('response.created');
    const done = events.filter(({ type }) => type === 'response.output_item.done');
    expect(done).toHaveLength(final.output.length);
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { usage: final.usage } });
  });

  it('think and call tools in two rounds, free text among them, and the thinking goes back', async () => {
    const ask = { model: modelId(upstream, 'thinking'), tools: [WEATHER, PATCH], ...THINKING };
    const hello = { role: 'user' as const, content: 'hello' };
    const first = await client.responses.stream({ ...ask, input: [hello] }).finalResponse();
    expect(first.output.map((item) => item.type)).toEqual(['reasoning', 'function_call', 'custom_tool_call']);
    expect(first.output).toMatchObject([
      { summary: [{ type: 'summary_text', text: expect.stringContaining('I have read') }] },
      { name: 'get_weather', arguments: '{"city":"city"}' },
      { name: 'apply_patch', input: expect.stringMatching(/^input/) },
    ]);
    const input = [hello, ...history(first), ...results(first)];
    const { data: second, response } = await client.responses.create({ ...ask, input }).withResponse();
    expect(second.output_text).toBe('Tool said: 21 °C\nTool said: done\nI see 1 image (image/png, 68 bytes).');
    // Chat upstreams have no place for thinking that is over.
    if (upstream !== 'chat') expect(servedHeaders(response.headers).losses).toBeNull();
  });

  it('say when to come back, and raise what breaks in mid-stream', async () => {
    const busy = client.responses.create({ model: modelId(upstream, 'busy'), input: 'hello' });
    await expect(busy).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    const error = (await busy.catch((caught: unknown) => caught)) as InstanceType<typeof OpenAI.RateLimitError>;
    expect(error.headers.get('retry-after')).toBe('7');
    const stream = await client.responses.create({
      model: modelId(upstream, 'breaking'),
      input: 'hello',
      stream: true,
    });
    await expect(
      (async () => {
        for await (const event of stream) expect(event.type).not.toBe('response.completed');
      })(),
    ).rejects.toBeInstanceOf(OpenAI.APIError);
  });
});

it('a session that moves between providers keeps from each what the others signed, and gives it back', async () => {
  const input: ResponseInputItem[] = [];
  const losses: (string | null)[] = [];
  for (const upstream of ['anthropic', 'responses', 'anthropic', 'responses'] as const) {
    input.push({ role: 'user', content: 'hello' });
    const ask: Ask = { model: modelId(upstream, 'thinking'), input, ...THINKING };
    const { data, response } = await client.responses.create(ask).withResponse();
    expect(data.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    input.push(...history(data));
    losses.push(servedHeaders(response.headers).losses);
  }
  expect(losses.map((loss) => loss?.includes('thinking.signature') ?? false)).toEqual([false, true, true, true]);
  // The simulator refuses a signature that it did not make for this very text, and a dialect that is not its own.
  const sent = JSON.stringify(simulator.received(2).map(({ body }) => body));
  expect(sent).not.toContain('sbsig');
  expect(sent).toMatch(/"signature":"Sim1.*"encrypted_content":"gAAAAASim/);
});
