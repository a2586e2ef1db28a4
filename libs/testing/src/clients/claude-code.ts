import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { PDF, PNG } from './attachments';
import {
  BREAKS,
  BROKEN_ENDING,
  BUSY_ENDING,
  BUSY_ONCE,
  DOWN,
  DOWN_ENDING,
  GREETING,
  THINKS,
  toolMarker,
} from './behaviours';
import { shown, type Cell } from './cell';
import type { ClientProcess } from './client-process';
import { scriptOf } from './installation';
import { expectThat, type ClientTrial, type Scenario } from './trial';

const PACKAGE = '@anthropic-ai/claude-code';

/** The last line of `--output-format stream-json`, and all of `--output-format json`. */
interface ResultMessage {
  type: 'result';
  is_error: boolean;
  result: string;
}

interface AssistantMessage {
  type: 'assistant';
  message: { content: { type: string }[] };
}

type StreamMessage = ResultMessage | AssistantMessage | { type: 'system' | 'user' };

const text: Scenario = {
  name: 'text',
  async play(cell) {
    const { result } = await ask(cell, 'say hi');
    expectThat(result === GREETING, `answered: ${shown(result)}`);
    expectThat(cell.received().length === 1, `asked ${cell.received().length} times for one answer`);
  },
};

const bash: Scenario = {
  name: 'Bash',
  async play(cell) {
    const { result } = await ask(cell, toolMarker('Bash', { command: 'echo switchboard-$((40+2))' }), ['Bash']);
    expectThat(/^Tool said: [^]*switchboard-42/.test(result), `answered: ${shown(result)}`);
    expectThat(cell.received().length === 2, `asked ${cell.received().length} times for a call and an answer`);
  },
};

const readImage = readScenario('Read image', 'pixel.png', PNG, `I see 1 image (image/png, ${PNG.length} bytes`);
const readPdf = readScenario('Read PDF', 'page.pdf', PDF, `I see 1 document (application/pdf, ${PDF.length} bytes`);

function readScenario(name: string, fileName: string, content: Buffer, seen: string): Scenario {
  return {
    name,
    async play(cell) {
      const file = path.join(cell.folder, fileName);
      writeFileSync(file, content);
      const { result } = await ask(cell, toolMarker('Read', { file_path: file }), ['Read']);
      expectThat(result.includes(seen), `the model saw no ${fileName}: ${shown(result)}`);
    },
  };
}

const thinking: Scenario = {
  name: 'thinking',
  behaviour: THINKS,
  async play(cell) {
    const prompt = toolMarker('Bash', { command: 'echo switchboard-$((40+2))' });
    const { stdout } = await cell.runWell(call(cell, prompt, ['Bash'], ['stream-json', '--verbose']));
    const messages = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as StreamMessage);
    const kinds = messages.flatMap((one) => ('message' in one && one.type === 'assistant' ? one.message.content : []));
    const thoughts = kinds.filter(({ type }) => type === 'thinking').length;
    expectThat(thoughts === 2, `showed ${thoughts} thoughts of two`);
    const [, second = ''] = cell.receivedBodies();
    // Chat has no place for what the model thought before it called the tool.
    const place = { anthropic: '"type":"thinking","thinking":', chat: '', responses: '"type":"reasoning"' }[
      cell.upstream
    ];
    expectThat(second.includes(place), 'the thought did not come back to the upstream');
  },
};

const busy: Scenario = {
  name: '429',
  behaviour: BUSY_ONCE,
  unwell: [BUSY_ENDING],
  async play(cell) {
    const { result } = await ask(cell, 'say hi');
    expectThat(result === GREETING, `answered: ${shown(result)}`);
    const statuses = cell.served().map(({ status }) => status);
    expectThat(statuses.join() === '429,200', `the upstream answered ${statuses.join()}`);
  },
};

const midStreamError: Scenario = {
  name: 'mid-stream error',
  behaviour: BREAKS,
  unwell: [BROKEN_ENDING],
  async play(cell) {
    const { stdout } = await cell.run(call(cell, 'say hi'));
    const { is_error: isError, result } = JSON.parse(stdout) as ResultMessage;
    // It comes again, at last without a stream, or gives up: anything but taking the half for the whole.
    expectThat(isError ? result.includes('API Error') : result === GREETING, `answered: ${shown(result)}`);
  },
};

const outage: Scenario = {
  name: 'outage',
  behaviour: DOWN,
  unwell: [DOWN_ENDING],
  async play(cell) {
    const { code, stdout } = await cell.run(call(cell, 'say hi'));
    expectThat(code === 1, `ended with ${code}`);
    const { is_error: isError, result } = JSON.parse(stdout) as ResultMessage;
    expectThat(isError, 'took an outage for an answer');
    expectThat(result.includes('API Error'), `said: ${shown(result)}`);
  },
};

const context: Scenario = {
  name: '/context',
  countsOnly: true,
  async play(cell) {
    const { result } = await ask(cell, '/context');
    expectThat(/Context Usage/i.test(result), `answered: ${shown(result)}`);
    expectThat(/System tools[^\n]*\d/.test(result), `counted no tools: ${shown(result)}`);
    const counts = cell.calls().filter(({ path: at }) => at.includes('/count_tokens')).length;
    expectThat(counts > 1, `had ${counts} counts made`);
  },
};

export const CLAUDE_CODE: ClientTrial = {
  id: 'claude-code',
  title: 'Claude Code',
  packages: [PACKAGE],
  speaks: 'anthropic',
  setup: `\`\`\`sh
export ANTHROPIC_BASE_URL=GATEWAY ANTHROPIC_AUTH_TOKEN=KEY
claude --model anthropic/claude-sonnet-4.6
\`\`\`

Any model of the catalog will do. It asks a small model for side tasks: name one with \`ANTHROPIC_DEFAULT_HAIKU_MODEL\`.`,
  losses: {
    chat: ['cache_control', 'defer_loading', 'user', 'thinking', 'thinking.display', 'field.context_management'],
    responses: ['cache_control', 'user', 'thinking.display', 'field.context_management'],
  },
  scenarios: [text, bash, readImage, readPdf, thinking, busy, midStreamError, outage, context],
};

/** Rejects where it did not end well. */
async function ask(cell: Cell, prompt: string, tools?: readonly string[]): Promise<ResultMessage> {
  const { stdout } = await cell.runWell(call(cell, prompt, tools));
  const message = JSON.parse(stdout) as ResultMessage;
  expectThat(!message.is_error, `reported an error: ${shown(message.result)}`);
  return message;
}

function call(
  { model, gatewayUrl, key, folder }: Cell,
  prompt: string,
  tools: readonly string[] = [],
  format: readonly string[] = ['json'],
): Omit<ClientProcess, 'folder'> {
  const allowed = tools.length === 0 ? [] : ['--allowedTools', tools.join(',')];
  return {
    program: process.execPath,
    args: [
      scriptOf(PACKAGE, 'cli-wrapper.cjs'),
      ...['-p', prompt, '--model', model, '--output-format', ...format, ...allowed],
    ],
    env: {
      ANTHROPIC_BASE_URL: gatewayUrl,
      ANTHROPIC_AUTH_TOKEN: key,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      CLAUDE_CONFIG_DIR: path.join(folder, '.claude'),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '2',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_TELEMETRY: '1',
    },
  };
}
