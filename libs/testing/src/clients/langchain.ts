import { PNG } from './attachments';
import { answering, scenariosOf, type Library } from './library';
import type { ClientTrial } from './trial';

const SCRIPT = 'langchain.mjs';

interface Way {
  way: string;
  title: string;
  package: string;
  speaks: ClientTrial['speaks'];
  create: string;
  losses?: ClientTrial['losses'];
}

const WAYS: readonly Way[] = [
  {
    way: 'chat',
    title: 'LangChain, ChatOpenAI',
    package: '@langchain/openai',
    speaks: 'chat',
    create: "new ChatOpenAI({ model: 'auto', apiKey: 'KEY', configuration: { baseURL: 'GATEWAY/v1' } })",
    losses: { anthropic: ['response_format.name'] },
  },
  {
    way: 'responses',
    title: 'LangChain, ChatOpenAI (Responses)',
    package: '@langchain/openai',
    speaks: 'responses',
    create:
      "new ChatOpenAI({ model: 'auto', apiKey: 'KEY', configuration: { baseURL: 'GATEWAY/v1' }, useResponsesApi: true })",
    losses: { anthropic: ['response_format.name'] },
  },
  {
    way: 'anthropic',
    title: 'LangChain, ChatAnthropic',
    package: '@langchain/anthropic',
    speaks: 'anthropic',
    create: "new ChatAnthropic({ model: 'auto', apiKey: 'KEY', anthropicApiUrl: 'GATEWAY' })",
  },
];

export const LANGCHAIN: readonly ClientTrial[] = WAYS.map(({ way, title, speaks, create, losses, ...rest }) => {
  const library: Library = { script: SCRIPT, way };
  return {
    id: `langchain-${way}`,
    title,
    packages: [rest.package, '@langchain/core'],
    isLibrary: true,
    speaks,
    setup: `\`\`\`js\n${create};\n\`\`\``,
    ...(losses !== undefined && { losses }),
    scenarios: [...scenariosOf(library), answering(library, 'image', `I see 1 image (image/png, ${PNG.length} bytes)`)],
  };
});
