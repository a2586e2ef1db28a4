/**
 * One scenario of LangChain: `node langchain.mjs MODEL_CLASS SCENARIO`, with GATEWAY_URL, GATEWAY_KEY and MODEL in the
 * environment. Prints what came of it as one JSON object: `{ error: { name, status, message } }` where LangChain threw.
 */
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

const { GATEWAY_URL, GATEWAY_KEY, MODEL, PNG } = process.env;
const [modelClass, scenario] = process.argv.slice(2);

const openai = { model: MODEL, apiKey: GATEWAY_KEY, configuration: { baseURL: `${GATEWAY_URL}/v1` }, maxRetries: 2 };

const MODELS = {
  chat: () => new ChatOpenAI(openai),
  responses: () => new ChatOpenAI({ ...openai, useResponsesApi: true }),
  anthropic: () =>
    new ChatAnthropic({
      model: MODEL,
      apiKey: GATEWAY_KEY,
      anthropicApiUrl: GATEWAY_URL,
      maxTokens: 1024,
      maxRetries: 2,
    }),
};

const weather = tool(({ city }) => `It rains in ${city}.`, {
  name: 'weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string() }),
});
const callsWeather = '[[tool:weather {"city":"Bergen"}]]';
const image = { type: 'image', mimeType: 'image/png', data: PNG };

const SCENARIOS = {
  text: async (model) => outcomeOf(await model.invoke('say hi')),
  stream: async (model) => outcomeOf(await gathered(await model.stream('say hi'))),
  tools: (model) => weatherReport((messages) => model.bindTools([weather]).invoke(messages)),
  'streamed tools': (model) =>
    weatherReport(async (messages) => gathered(await model.bindTools([weather]).stream(messages))),
  object: async (model) => ({
    object: await model
      .withStructuredOutput(z.object({ city: z.string(), inhabitants: z.number().int() }), { name: 'city' })
      .invoke('Describe a city.'),
  }),
  image: async (model) =>
    outcomeOf(await model.invoke([new HumanMessage({ contentBlocks: [{ type: 'text', text: 'Look.' }, image] })])),
};

async function weatherReport(ask) {
  const messages = [new HumanMessage(callsWeather)];
  const call = await ask(messages);
  messages.push(call);
  for (const toolCall of call.tool_calls) {
    const said = await weather.invoke(toolCall.args);
    messages.push(new ToolMessage({ content: said, tool_call_id: toolCall.id, name: toolCall.name }));
  }
  return outcomeOf(await ask(messages));
}

async function gathered(stream) {
  let whole;
  for await (const chunk of stream) whole = whole === undefined ? chunk : whole.concat(chunk);
  return whole;
}

function outcomeOf({ text, usage_metadata: usage }) {
  return { text, usage: { inputTokens: usage?.input_tokens, outputTokens: usage?.output_tokens } };
}

let outcome;
try {
  outcome = await SCENARIOS[scenario](MODELS[modelClass]());
} catch (error) {
  outcome = { error: { name: error.name, status: error.status, message: error.message } };
}
process.stdout.write(`${JSON.stringify(outcome)}\n`);
