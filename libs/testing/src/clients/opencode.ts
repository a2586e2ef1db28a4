import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BREAKS, BROKEN_ENDING, BUSY_ENDING, BUSY_ONCE, DOWN, DOWN_ENDING, GREETING, toolMarker } from './behaviours';
import { shown, type Cell } from './cell';
import type { ClientOutcome, ClientProcess } from './client-process';
import { platformBinary } from './installation';
import { expectThat, type ClientTrial, type Scenario } from './trial';

const BINARY = process.platform === 'win32' ? 'bin/opencode.exe' : 'bin/opencode';

/** Long enough for its third try, and well before its fourth. */
const GIVES_UP_MS = 20_000;

interface Way {
  id: string;
  title: string;
  /** The AI SDK package that it reaches the gateway with; all of them are built in. */
  npm: string;
  speaks: ClientTrial['speaks'];
}

const WAYS: readonly Way[] = [
  { id: 'opencode', title: 'opencode', npm: '@ai-sdk/openai-compatible', speaks: 'chat' },
  { id: 'opencode-anthropic', title: 'opencode, anthropic', npm: '@ai-sdk/anthropic', speaks: 'anthropic' },
  { id: 'opencode-openai', title: 'opencode, openai (Responses)', npm: '@ai-sdk/openai', speaks: 'responses' },
];

export const OPENCODE: readonly ClientTrial[] = WAYS.map(({ id, title, npm, speaks }) => ({
  id,
  title,
  packages: ['opencode-ai'],
  speaks,
  setup: `\`opencode.json\`, in the project or in \`~/.config/opencode\`:

\`\`\`json
${JSON.stringify(configFor(npm, 'GATEWAY', 'KEY', 'auto'), undefined, 2)}
\`\`\``,
  losses: {
    anthropic: ['prompt_cache_key'],
    chat: ['cache_control', 'field.eager_input_streaming'],
    responses: ['cache_control', 'field.eager_input_streaming'],
  },
  // It treats errors alike whatever it speaks.
  scenarios: speaks === 'chat' ? [...working(npm), ...erring(npm)] : working(npm).slice(0, 2),
}));

function working(npm: string): Scenario[] {
  return [
    {
      name: 'text',
      async play(cell) {
        const { code, stdout, stderr } = await run(cell, npm, 'say hi');
        expectThat(code === 0, `ended with ${code}: ${shown(stderr)}`);
        expectThat(stdout.includes(GREETING), `answered: ${shown(stdout)}`);
      },
    },
    {
      name: 'bash',
      async play(cell) {
        const prompt = toolMarker('bash', { command: 'echo switchboard-$((40+2))', description: 'Counts' });
        const { code, stdout, stderr } = await run(cell, npm, prompt);
        expectThat(code === 0, `ended with ${code}: ${shown(stderr)}`);
        expectThat(/Tool said: [^]*switchboard-42/.test(stdout), `answered: ${shown(stdout)}`);
      },
    },
    {
      name: 'write',
      async play(cell) {
        const file = path.join(cell.folder, 'made.txt');
        const { stdout } = await run(cell, npm, toolMarker('write', { filePath: file, content: 'switchboard-42\n' }));
        expectThat(/Tool said: /.test(stdout), `answered: ${shown(stdout)}`);
        expectThat(contentOf(file) === 'switchboard-42\n', `wrote: ${contentOf(file)}`);
      },
    },
  ];
}

function erring(npm: string): Scenario[] {
  return [
    {
      name: '429',
      behaviour: BUSY_ONCE,
      unwell: [BUSY_ENDING],
      async play(cell) {
        const { code, stdout, stderr } = await run(cell, npm, 'say hi');
        expectThat(code === 0, `ended with ${code}: ${shown(stderr)}`);
        expectThat(stdout.includes('Hi from the Switchboard simulator'), `answered: ${shown(stdout)}`);
      },
    },
    failing('mid-stream error', npm, BREAKS, BROKEN_ENDING),
    failing('outage', npm, DOWN, DOWN_ENDING),
  ];
}

/** It comes again and again, waiting longer each time, or says what is wrong: anything but taking the half for the whole. */
function failing(name: string, npm: string, behaviour: string, ending: string): Scenario {
  return {
    name,
    behaviour,
    unwell: [ending],
    async play(cell) {
      const { stdout, stderr } = await cell.runFor({ ...call(cell, npm, 'say hi'), limitMs: GIVES_UP_MS });
      const reported = /error|failure/i.test(stdout + stderr);
      expectThat(reported || cell.served().length > 2, `took it for success: ${shown(stdout + stderr)}`);
    },
  };
}

function run(cell: Cell, npm: string, prompt: string): Promise<ClientOutcome> {
  return cell.run(call(cell, npm, prompt));
}

function call(cell: Cell, npm: string, prompt: string): Omit<ClientProcess, 'folder'> {
  const config = configFor(npm, cell.gatewayUrl, cell.key, cell.model);
  writeFileSync(path.join(cell.folder, 'opencode.json'), JSON.stringify(config));
  return {
    program: platformBinary(/^opencode-(linux|darwin|windows)-/, BINARY),
    args: ['run'],
    // Of what is on its command line it would escape the quotes.
    input: prompt,
    env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' },
  };
}

function configFor(npm: string, gatewayUrl: string, key: string, model: string): Record<string, unknown> {
  return {
    $schema: 'https://opencode.ai/config.json',
    provider: {
      gateway: {
        npm,
        name: 'Gateway',
        options: { baseURL: `${gatewayUrl}/v1`, apiKey: key },
        models: { [model]: { name: model } },
      },
    },
    model: `gateway/${model}`,
    small_model: `gateway/${model}`,
    share: 'disabled',
    autoupdate: false,
  };
}

function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '(nothing)';
}
