import type { Provider } from '@switchboard/contracts';
import { createLocalBus } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { candidate } from './core/__fixtures__/candidate';
import { CatalogBucket, startEdge } from './__fixtures__/edge';
import { KeysBucket, silent } from './__fixtures__/keys-bucket';
import { bodyOf, type ClientDialect } from './__fixtures__/served-edge';

const KEY = 'ac_live_tools';
const PATHS = { anthropic: '/v1/messages', openai: '/v1/chat/completions' };

let simulator: RunningSimulator;
let url: string;
let close: () => Promise<void>;

/** `test/words`, whose model says what its upstream's name says; `test/schema`, which keeps to the schema it is given. */
beforeAll(async () => {
  simulator = await startSimulator();
  const bus = createLocalBus({ log: silent });
  const [keys, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
  await keys.putTenant();
  await keys.putKey(KEY);
  const kinds: [string, Provider['kind'], string][] = [
    ['chat', 'openai-compatible', `${simulator.url}/v1`],
    ['anthropic', 'anthropic-compatible', simulator.url],
  ];
  const { upstream, model } = candidate();
  const capabilities = { ...model.capabilities, tools: 'emulated' as const };
  const said = '{"text":"I look.","tool_calls":[{"name":"get_weather","arguments":{"city":"Goa"}}]}';
  const says = `sim-any;chunks=8;text=${encodeURIComponent(said)}`;
  for (const [id, kind, baseUrl] of kinds) {
    await catalog.putProvider(id, baseUrl, { kind });
    const at = (name: string) => ({ capabilities, upstreams: [{ ...upstream, provider: id, model: name }] });
    await catalog.putModel(`${id}/words`, [], {
      ...at(says),
      capabilities: { ...capabilities, structuredOutputs: false },
    });
    await catalog.putModel(`${id}/schema`, [], at('sim-any'));
  }
  await catalog.putSettings();
  const edge = startEdge(bus);
  url = `http://127.0.0.1:${await edge.opened}`;
  close = async () => {
    await edge.replica.close();
    await bus.close();
    await simulator.close();
  };
});
afterAll(() => close());

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TOOLS = {
  openai: [{ type: 'function', function: { name: 'get_weather', parameters } }],
  anthropic: [{ name: 'get_weather', input_schema: parameters }],
};

function call(client: ClientDialect, model: string, more: object = {}, headers: Record<string, string> = {}) {
  const body = bodyOf(client, { model, max_tokens: 900, tools: TOOLS[client], ...more });
  return fetch(url + PATHS[client], { method: 'POST', headers: { 'x-api-key': KEY, ...headers }, body });
}

/** What a client makes of a reply, streamed or not: its text, its calls, how it ended. */
async function read(client: ClientDialect, reply: Response): Promise<unknown> {
  expect({ status: reply.status, adapted: reply.headers.get('x-acme-adapted') }).toEqual({
    ...{ status: 200, adapted: 'emulated-tools' },
  });
  const text = await reply.text();
  const bodies = [...text.matchAll(/^(?:data: )?(\{.*)$/gm)].map(([, json]) => JSON.parse(json!) as never);
  return client === 'openai' ? readChat(bodies) : readMessages(bodies);
}

interface ChatBody {
  choices: {
    message?: ChatBody['choices'][number]['delta'];
    delta: { content?: string | null; tool_calls?: { id?: string; function: { name?: string; arguments: string } }[] };
    finish_reason: string | null;
  }[];
}

function readChat(bodies: ChatBody[]): unknown {
  let [text, name, args, finish] = ['', '', '', ''];
  for (const { choices } of bodies) {
    for (const { message, delta, finish_reason: reason } of choices) {
      const said = message ?? delta;
      text += said.content ?? '';
      name += said.tool_calls?.[0]?.function.name ?? '';
      args += said.tool_calls?.[0]?.function.arguments ?? '';
      finish = reason ?? finish;
    }
  }
  return { text, name, arguments: args, finish };
}

interface MessagesBody {
  content?: { type: string; text?: string; name?: string; input?: object }[];
  content_block?: { name?: string };
  delta?: { text?: string; partial_json?: string; stop_reason?: string };
  stop_reason?: string;
}

function readMessages(bodies: MessagesBody[]): unknown {
  let [text, name, args, finish] = ['', '', '', ''];
  for (const { content = [], content_block: block, delta, stop_reason: reason } of bodies) {
    for (const part of content) {
      text += part.text ?? '';
      name += part.name ?? '';
      args += part.input === undefined ? '' : JSON.stringify(part.input);
    }
    name += block?.name ?? '';
    text += delta?.text ?? '';
    args += delta?.partial_json ?? '';
    finish = delta?.stop_reason ?? reason ?? finish;
  }
  return { text, name, arguments: args, finish };
}

const FINISH = { openai: 'tool_calls', anthropic: 'tool_use' };
const CALLED = { text: 'I look.', name: 'get_weather', arguments: '{"city":"Goa"}' };
const FORCED = { openai: 'required', anthropic: { type: 'any' } };

describe.each(['openai', 'anthropic'] as const)('a client of %s', (client) => {
  describe.each(['chat', 'anthropic'])('of a model without tools at an upstream of %s', (upstream) => {
    test.each([false, true])('gets the call that the model writes in words (stream: %p)', async (stream) => {
      simulator.reset();
      const reply = await call(client, `${upstream}/words`, { stream });
      expect(reply.headers.get('x-acme-translation-loss')).toBeNull();
      expect(await read(client, reply)).toEqual({ ...CALLED, finish: FINISH[client] });
      const [received] = simulator.received();
      expect(received?.body).not.toHaveProperty('tools');
      expect(JSON.stringify(received?.body)).toContain('get_weather');
    });

    test.each([false, true])('has a demanded call from the schema (stream: %p)', async (stream) => {
      const reply = await call(client, `${upstream}/schema`, { stream, tool_choice: FORCED[client] });
      expect(await read(client, reply)).toEqual({
        ...{ text: 'text', name: 'get_weather', arguments: '{"city":"city"}', finish: FINISH[client] },
      });
    });
  });
});

test('what cannot be said in words is a loss, and refused where none may be', async () => {
  const tools = [{ ...TOOLS.anthropic[0], cache_control: { type: 'ephemeral' } }];
  const reply = await call('anthropic', 'anthropic/words', { tools });
  expect(reply.headers.get('x-acme-translation-loss')).toBe('cache_control;n=1');
  const refused = await call('anthropic', 'anthropic/words', { tools }, { 'x-acme-translation': 'strict' });
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('tools[0].cache_control');
});

test('what only the dialect of both sides knows goes on as it came', async () => {
  simulator.reset();
  const reply = await call('openai', 'chat/words', { chat_template_kwargs: { thinking: false } });
  expect(reply.headers.get('x-acme-translation-loss')).toBeNull();
  expect(simulator.received()[0]?.body).toMatchObject({ chat_template_kwargs: { thinking: false } });
});

test('a request without tools passes through, the same bytes but for the name', async () => {
  simulator.reset();
  const reply = await call('openai', 'chat/schema', { tools: undefined, odd: 1 });
  expect(reply.headers.get('x-acme-adapted')).toBeNull();
  expect(simulator.received()[0]?.body).toMatchObject({ odd: 1, messages: [{ content: 'Hello' }] });
});
