import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import OpenAI from 'openai';
import { startGateway, type RunningGateway } from '../gateway';
import { gatewayConfig, GATEWAY_ENV, KEY, keyHash, model, provider } from './gateway-config';

/** Of the tenant beside that of `KEY`. */
const STRANGERS_KEY = 'cm_test_e2e-stranger';
/** The simulator answers the same input under the same id: each test has its own. */
const UPSTREAMS = ['anthropic', 'chat', 'responses'] as const;

let simulator: RunningSimulator;
let gateway: RunningGateway;
const client = (apiKey = KEY): OpenAI => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });

beforeAll(async () => {
  simulator = await startSimulator();
  const providers = [
    provider('anthropic', 'anthropic', simulator.url),
    provider('chat', 'chat', simulator.url),
    provider('responses', 'chat', simulator.url, { kind: 'responses-compatible' }),
  ];
  const models = UPSTREAMS.map((id) => model(`test/on-${id}`, [{ provider: id, model: 'sim-any;thinking=1' }]));
  const config = gatewayConfig(providers, models);
  const stranger = { id: 'stranger', keys: [{ name: 'key', key: { hash: keyHash(STRANGERS_KEY) } }] };
  const tenants = [...(config['tenants'] as object[]), stranger];
  gateway = await startGateway({ config: { ...config, tenants }, env: GATEWAY_ENV });
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
}, 30_000);

/** What the upstream was last asked, as text; probes look only whether it is there. */
const lastAsked = (): string => {
  const calls = simulator.received(10).filter(({ method }) => method === 'POST');
  return JSON.stringify(calls.at(-1)?.body);
};

async function streamed(request: object): Promise<OpenAI.Responses.Response> {
  const stream = client().responses.stream(request as OpenAI.Responses.ResponseCreateParamsStreaming);
  return stream.finalResponse();
}

describe.each(UPSTREAMS)('before the %s upstream', (upstream) => {
  const request = { model: `test/on-${upstream}`, reasoning: { effort: 'low' as const, summary: 'auto' as const } };

  test('a conversation goes on by its last response’s id, streaming and not', async () => {
    const first = await client().responses.create({ ...request, input: 'the moon', instructions: 'Be brief.' });
    expect(first).toMatchObject({ status: 'completed', store: true, previous_response_id: null });
    const second = await streamed({ ...request, input: 'the sun', previous_response_id: first.id });
    expect(second).toMatchObject({ status: 'completed', store: true, previous_response_id: first.id });
    for (const said of ['the moon', first.output_text, 'the sun']) {
      expect(lastAsked()).toContain(JSON.stringify(said).slice(1, -1));
    }
    expect(lastAsked()).not.toContain('Be brief.');
    const third = await client().responses.create({ ...request, input: 'the sea', previous_response_id: second.id });
    for (const said of ['the moon', 'the sun', 'the sea']) expect(lastAsked()).toContain(said);
    expect(third.output_text).toContain('the sea');
  });

  test('a response is retrieved as it was told, with its input, and deleted', async () => {
    const first = await client().responses.create({ ...request, input: 'one' });
    const told = await streamed({
      ...request,
      input: [{ role: 'user', content: 'two' }],
      previous_response_id: first.id,
    });
    const found = await client().responses.retrieve(told.id);
    const { id, status, output_text: text } = told;
    expect(found).toMatchObject({ id, status, output_text: text, store: true, previous_response_id: first.id });
    const items = await client().responses.inputItems.list(told.id, { order: 'asc' });
    const texts = items.data.map((item) => JSON.stringify(item));
    expect([texts[0]?.includes('"one"'), texts.at(-1)?.includes('"two"')]).toEqual([true, true]);
    const newest = await client().responses.inputItems.list(told.id, { limit: 1 });
    expect(newest).toMatchObject({ has_more: true, data: [items.data.at(-1)] });
    await client().responses.delete(told.id);
    await expect(client().responses.retrieve(told.id)).rejects.toMatchObject({ status: 404 });
    await expect(client().responses.delete(told.id)).rejects.toThrow(`Response with id '${told.id}' not found.`);
  });

  test('items that are referred to by id alone reach the upstream in full', async () => {
    const first = await client().responses.create({ ...request, input: 'the stars' });
    const references = first.output.map(({ id }) => ({ type: 'item_reference' as const, id: id ?? '' }));
    const input = [
      { role: 'user' as const, content: 'the stars' },
      ...references,
      { role: 'user' as const, content: 'the sky' },
    ];
    const reply = await client()
      .responses.create({ ...request, store: false, input })
      .asResponse();
    expect(await reply.json()).toMatchObject({ status: 'completed', store: false });
    expect(lastAsked()).not.toContain('item_reference');
    expect(lastAsked()).toContain(JSON.stringify(first.output_text).slice(1, -1));
    const unknown = [{ type: 'item_reference' as const, id: 'rs_nobody' }, ...input.slice(0, 1)];
    const lossy = await client()
      .responses.create({ ...request, input: unknown })
      .asResponse();
    expect([lossy.status, lossy.headers.get('x-callmissed-translation-loss')]).toEqual([
      200,
      expect.stringContaining('item_reference;n=1'),
    ]);
  });

  test('what was not stored, is another tenant’s, or never was, is told in OpenAI’s words', async () => {
    // One input for what is stored and what is not would be one id at the simulator.
    const unstored = await client().responses.create({ ...request, input: 'Keep nothing', store: false });
    expect(unstored).toMatchObject({ store: false });
    const { id } = await client().responses.create({ ...request, input: 'Hi' });
    for (const [key, previous] of [
      [KEY, unstored.id],
      [STRANGERS_KEY, id],
      [KEY, 'resp_nobody'],
    ] as const) {
      const asked = client(key).responses.create({ ...request, input: 'Hi', previous_response_id: previous });
      await expect(asked).rejects.toMatchObject({
        ...{ status: 400, code: 'previous_response_not_found', param: 'previous_response_id' },
        error: { message: `Previous response with id '${previous}' not found.` },
      });
    }
    await expect(client(STRANGERS_KEY).responses.retrieve(id)).rejects.toMatchObject({ status: 404, param: 'id' });
    await expect(client().responses.create({ ...request, input: 'Hi', background: true })).rejects.toMatchObject({
      ...{ status: 400, code: 'unsupported_parameter', param: 'background' },
    });
  });
});
