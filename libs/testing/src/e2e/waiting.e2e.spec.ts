import Anthropic from '@anthropic-ai/sdk';
import AnthropicBefore from '@anthropic-ai/sdk-0x';
import OpenAI from 'openai';
import OpenAIBefore from 'openai-4x';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import {
  CLIENT_DIALECTS,
  conversation,
  looksComplete,
  streamError,
  streamedText,
  type ClientDialect,
} from './conversation';
import {
  GATEWAY_ENV,
  gatewayConfig,
  KEY,
  model,
  provider,
  UPSTREAM_DIALECTS,
  type Json,
  type UpstreamDialect,
} from './gateway-config';
import { open, readWhole } from './http-exchange';
import { usageOf } from './usage-ledger';

jest.setTimeout(60_000);

const KEEPALIVE_MS = 500;
const FIRST_TOKEN_MS = 1800;

const PAIRS = CLIENT_DIALECTS.flatMap((client) =>
  UPSTREAM_DIALECTS.map((upstream): [ClientDialect, UpstreamDialect] => [client, upstream]),
);

let simulator: RunningSimulator;
let gateway: RunningGateway;

beforeAll(async () => {
  simulator = await startSimulator();
  const timeouts = { connectMs: 1000, firstTokenMs: FIRST_TOKEN_MS, idleMs: 10_000, totalMs: 60_000 };
  const providers = UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulator.url, { timeouts }));
  let silent = 60_000;
  const models = PAIRS.flatMap(([client, dialect]) => {
    const served = (scenario: string, more: Json = {}) => ({
      provider: dialect,
      model: `sim-any;${scenario}`,
      ...more,
    });
    /** Longer than anybody waits; each by a name of its own, for what one call finds out the next one knows. */
    const mute = () => served(`first_token_ms=${silent++}`);
    const dearer = { cost: { input: 9, output: 45 } };
    return [
      model(`late/${dialect}-${client}`, [served('first_token_ms=1300')]),
      model(`moved/${dialect}-${client}`, [mute(), served('chunks=2', dearer)]),
      model(`dead/${dialect}-${client}`, [mute()]),
      model(`refused/${dialect}-${client}`, [mute(), served('status=400', dearer)]),
    ];
  });
  const env = { ...GATEWAY_ENV, KEEPALIVE_MS: String(KEEPALIVE_MS) };
  gateway = await startGateway({ config: gatewayConfig(providers, models), env });
});

afterAll(async () => {
  await gateway?.stop();
  await simulator?.close();
});

async function stream(client: ClientDialect, modelId: string) {
  const model = `${modelId}-${client}`;
  const response = await open(gateway.url, conversation(client, { model, key: KEY, stream: true }));
  return readWhole(response);
}

const keepalive = (client: ClientDialect): string => (client === 'anthropic' ? 'event: ping' : ': keepalive');

describe.each(PAIRS)('while no upstream has answered, %s over %s', (client, upstream) => {
  test('the client hears keepalives, then the whole reply', async () => {
    const reply = await stream(client, `late/${upstream}`);
    expect(reply.status).toBe(200);
    expect(reply.text.startsWith(keepalive(client))).toBe(true);
    expect(looksComplete(client, reply.text)).toBe(true);
    expect(streamedText(client, reply.text)).toContain('Hi from the Switchboard simulator');
    // Who serves was not known when the head went out, and nothing untrue was told.
    expect(reply.headers['x-callmissed-upstream']).toBeUndefined();
    expect(reply.headers['x-callmissed-request-id']).toBeDefined();
  });

  test('another upstream may still take over', async () => {
    const reply = await stream(client, `moved/${upstream}`);
    expect(reply.text.startsWith(keepalive(client))).toBe(true);
    expect(looksComplete(client, reply.text)).toBe(true);
    const requestId = String(reply.headers['x-callmissed-request-id']);
    expect(await usageOf(gateway, requestId)).toMatchObject({ accuracy: 'exact', finish: 'stop', attempts: 2 });
  });

  test.each(['dead', 'refused'])('a failure ends the stream as an error, never as success (%s)', async (scenario) => {
    const reply = await stream(client, `${scenario}/${upstream}`);
    expect(reply.status).toBe(200);
    expect(looksComplete(client, reply.text)).toBe(false);
    expect(streamError(client, reply.text)).toBeDefined();
  });
});

describe('the official SDKs take keepalives before the first event for what they are', () => {
  test.each([
    ['@anthropic-ai/sdk 1', Anthropic],
    ['@anthropic-ai/sdk 0', AnthropicBefore as unknown as typeof Anthropic],
  ])('%s', async (_name, Sdk) => {
    const sdk = new Sdk({ baseURL: gateway.url, apiKey: KEY, maxRetries: 0 });
    const message = await sdk.messages
      .stream({ model: 'late/chat-anthropic', max_tokens: 100, messages: [{ role: 'user', content: 'Say hi' }] })
      .finalMessage();
    expect(message).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text' }] });
  });

  test.each([
    ['openai 7', OpenAI],
    ['openai 4', OpenAIBefore as unknown as typeof OpenAI],
  ])('%s', async (_name, Sdk) => {
    const sdk = new Sdk({ baseURL: `${gateway.url}/v1`, apiKey: KEY, maxRetries: 0 });
    const chunks = await sdk.chat.completions.create({
      model: 'late/anthropic-chat',
      stream: true,
      messages: [{ role: 'user', content: 'Say hi' }],
    });
    let finish: string | null | undefined;
    for await (const chunk of chunks) finish = chunk.choices[0]?.finish_reason ?? finish;
    expect(finish).toBe('stop');
  });
});
