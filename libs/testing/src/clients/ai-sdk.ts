import { PDF, PNG } from './attachments';
import { THINKS } from './behaviours';
import { shown } from './cell';
import { answering, scenariosOf, playWell, WEATHER_REPORT, type Library } from './library';
import { expectThat, type ClientTrial, type Scenario } from './trial';

const SCRIPT = 'ai-sdk.mjs';
/** Its own words about what it has read begin each thought of the simulator. */
const THOUGHT = 'I have read ';

interface Way {
  way: string;
  title: string;
  package: string;
  speaks: ClientTrial['speaks'];
  create: string;
  losses?: ClientTrial['losses'];
  more?: (library: Library) => Scenario[];
}

const WAYS: readonly Way[] = [
  {
    way: 'openai',
    title: 'AI SDK, openai (Responses)',
    package: '@ai-sdk/openai',
    speaks: 'responses',
    create: "createOpenAI({ baseURL: 'GATEWAY/v1', apiKey: 'KEY' })('auto')",
    losses: { chat: ['thinking', 'thinking.display'] },
    more: (library) => [reasoning(library, 'reasoning'), reasoning(library, 'reasoning, not stored')],
  },
  {
    way: 'openai-chat',
    title: 'AI SDK, openai.chat',
    package: '@ai-sdk/openai',
    speaks: 'chat',
    create: "createOpenAI({ baseURL: 'GATEWAY/v1', apiKey: 'KEY' }).chat('auto')",
  },
  {
    way: 'anthropic',
    title: 'AI SDK, anthropic',
    package: '@ai-sdk/anthropic',
    speaks: 'anthropic',
    create: "createAnthropic({ baseURL: 'GATEWAY/v1', apiKey: 'KEY' })('auto')",
    losses: {
      chat: ['field.eager_input_streaming', 'thinking', 'thinking.budget_tokens'],
      responses: ['field.eager_input_streaming', 'thinking.budget_tokens'],
    },
    more: (library) => [reasoning(library, 'reasoning')],
  },
  {
    way: 'openai-compatible',
    title: 'AI SDK, openai-compatible',
    package: '@ai-sdk/openai-compatible',
    speaks: 'chat',
    create: `createOpenAICompatible({
  name: 'gateway',
  baseURL: 'GATEWAY/v1',
  apiKey: 'KEY',
  includeUsage: true,
  supportsStructuredOutputs: true,
})('auto')`,
    // What Chat shows of a thought has no signature, and without one no other dialect takes it back.
    losses: { anthropic: ['thinking.signature'], responses: ['thinking.signature'] },
    more: (library) => [reasoning(library, 'reasoning')],
  },
];

export const AI_SDK: readonly ClientTrial[] = WAYS.map(({ way, title, speaks, create, losses, more, ...rest }) => {
  const library = { script: SCRIPT, way };
  return {
    id: `ai-sdk-${way}`,
    title,
    packages: [rest.package, 'ai'],
    isLibrary: true,
    speaks,
    setup: `\`\`\`js\n${create};\n\`\`\``,
    ...(losses !== undefined && { losses }),
    scenarios: [...scenariosOf(library), ...attachments(library), ...(more?.(library) ?? [])],
  };
});

function attachments(library: Library): Scenario[] {
  const seen = `I see 1 image (image/png, ${PNG.length} bytes). I see 1 document (application/pdf, ${PDF.length} bytes`;
  return [answering(library, 'attachments', seen)];
}

/** The model thinks and calls a tool; what it thought is shown, and goes back to it beside the call. */
function reasoning(library: Library, name: string): Scenario {
  return {
    name,
    behaviour: THINKS,
    async play(cell) {
      const { text, reasoning: thought = '' } = await playWell(library, name, cell);
      expectThat(text === WEATHER_REPORT, `answered: ${shown(text ?? '')}`);
      // Chat cannot ask for a summary, and without being asked Responses shows nothing of what it thought.
      const isShown = cell.upstream !== 'responses' || library.way !== 'openai-compatible';
      expectThat(!isShown || thought.includes(THOUGHT), 'showed no thought');
      expectThat(cell.received().length === 2, `asked ${cell.received().length} times for a call and an answer`);
    },
  };
}
