/**
 * One scenario of AI SDK: `node ai-sdk.mjs PROVIDER SCENARIO`, with GATEWAY_URL, GATEWAY_KEY and MODEL in the environment.
 * Prints what came of it as one JSON object: `{ error: { name, status, message } }` where the SDK threw.
 */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { z } from 'zod';

const { GATEWAY_URL, GATEWAY_KEY, MODEL } = process.env;
const [provider, scenario] = process.argv.slice(2);

const connection = { baseURL: `${GATEWAY_URL}/v1`, apiKey: GATEWAY_KEY };

const PROVIDERS = {
  openai: () => createOpenAI(connection)(MODEL),
  'openai-chat': () => createOpenAI(connection).chat(MODEL),
  anthropic: () => createAnthropic(connection)(MODEL),
  'openai-compatible': () =>
    createOpenAICompatible({ ...connection, name: 'gateway', includeUsage: true, supportsStructuredOutputs: true })(
      MODEL,
    ),
};

/** What each provider has to be told to think, and to show it. */
const THINKING = {
  openai: { openai: { forceReasoning: true, reasoningEffort: 'medium', reasoningSummary: 'auto' } },
  'openai-chat': { openai: { forceReasoning: true, reasoningEffort: 'medium' } },
  anthropic: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } },
  'openai-compatible': { gateway: { reasoningEffort: 'medium' } },
};

const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `It rains in ${city}.`,
});
const callsWeather = '[[tool:weather {"city":"Bergen"}]]';

const SCENARIOS = {
  text: (model) => whole({ model, prompt: 'say hi' }),
  stream: (model) => streamed({ model, prompt: 'say hi' }),
  tools: (model) => whole({ model, prompt: callsWeather, tools: { weather }, stopWhen: isStepCount(3) }),
  'streamed tools': (model) => streamed({ model, prompt: callsWeather, tools: { weather }, stopWhen: isStepCount(3) }),
  object: (model) =>
    whole({
      model,
      prompt: 'Describe a city.',
      output: Output.object({ schema: z.object({ city: z.string(), inhabitants: z.number().int() }) }),
    }),
  attachments: (model) =>
    whole({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look.' },
            { type: 'file', data: process.env.PNG, mediaType: 'image/png' },
            { type: 'file', data: process.env.PDF, mediaType: 'application/pdf', filename: 'page.pdf' },
          ],
        },
      ],
    }),
  reasoning: (model) =>
    streamed({
      model,
      prompt: callsWeather,
      tools: { weather },
      stopWhen: isStepCount(3),
      providerOptions: THINKING[provider],
    }),
  'reasoning, not stored': (model) =>
    streamed({
      model,
      prompt: callsWeather,
      tools: { weather },
      stopWhen: isStepCount(3),
      providerOptions: {
        openai: { ...THINKING.openai.openai, store: false, include: ['reasoning.encrypted_content'] },
      },
    }),
};

async function whole(call) {
  const result = await generateText(call);
  const { text, finishReason, totalUsage, steps, reasoningText } = result;
  const object = call.output === undefined ? undefined : result.output;
  return { text, object, finishReason, usage: totalUsage, steps: steps.length, reasoning: reasoningText };
}

async function streamed(call) {
  let text = '';
  let reasoning = '';
  const errors = [];
  // An error is a part of the stream; the default prints it as well.
  const result = streamText({ ...call, onError: () => undefined });
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') text += part.text;
    else if (part.type === 'reasoning-delta') reasoning += part.text;
    else if (part.type === 'error') errors.push(errorOf(part.error));
  }
  if (errors.length > 0) return { text, error: errors[0] };
  const [finishReason, usage, steps] = await Promise.all([result.finishReason, result.totalUsage, result.steps]);
  return { text, finishReason, usage, steps: steps.length, reasoning };
}

function errorOf(error) {
  const cause = error?.lastError ?? error;
  return { name: cause?.name, status: cause?.statusCode, message: String(cause?.message ?? JSON.stringify(cause)) };
}

let outcome;
try {
  outcome = await SCENARIOS[scenario](PROVIDERS[provider]());
} catch (error) {
  outcome = { error: errorOf(error) };
}
process.stdout.write(`${JSON.stringify(outcome)}\n`);
