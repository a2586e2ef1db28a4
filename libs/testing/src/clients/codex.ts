import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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
import type { ClientOutcome } from './client-process';
import { scriptOf } from './installation';
import { expectThat, type ClientTrial, type Scenario } from './trial';

const PACKAGE = '@openai/codex';
/** Its five times five would take the better part of a minute. */
const RETRY_ONCE = ['request_max_retries = 1', 'stream_max_retries = 1'];
const COMPACT_ABOVE_TOKENS = 20_000;

/** It treats a model by the name before its last part: this one gets `apply_patch` as a free-text tool, and its tools one by one. */
const CLASSIC = 'trial/gpt-5.5-';
/** And this one a single free-text tool in which it programs, declared inside the input. */
const CODE_MODE = 'trial/gpt-6-sol-';

/** Lines of `codex exec --json`; the fields the trial reads. */
interface Event {
  type: string;
  message?: string;
  error?: { message: string };
  item?: {
    type: string;
    text?: string;
    command?: string;
    aggregated_output?: string;
    exit_code?: number;
    message?: string;
  };
}

/** Notes to its own provider. */
const OWN_FIELDS = [
  'namespace.description',
  'field.context',
  'field.client_metadata',
  'field.internal_chat_message_metadata_passthrough',
];

interface CodexRun extends ClientOutcome {
  events: Event[];
  /** The last thing it said. */
  answer: string;
}

const text = answeringText('text', customProvider);
/** It tries a WebSocket first, and is to fall back at once. */
const builtIn = answeringText('text, built-in provider', builtInProvider);

const exec: Scenario = {
  name: 'exec',
  modelPrefix: CLASSIC,
  async play(cell) {
    const run = await ask(cell, toolMarker('exec_command', { cmd: 'echo switchboard-$((40+2))' }));
    const command = run.events.find(
      ({ type, item }) => type === 'item.completed' && item?.type === 'command_execution',
    );
    expectThat(command?.item?.exit_code === 0, 'ran no command');
    expectThat(/^Tool said: [^]*switchboard-42/.test(run.answer), `answered: ${shown(run.answer)}`);
  },
};

const applyPatch: Scenario = {
  name: 'apply_patch',
  modelPrefix: CLASSIC,
  async play(cell) {
    const file = path.join(cell.folder, 'work.txt');
    writeFileSync(file, 'one\ntwo\nthree\n');
    const patch = ['*** Begin Patch', '*** Update File: work.txt', '@@', ' one', '-two', '+switchboard-42', ' three'];
    const run = await ask(cell, toolMarker('apply_patch', [...patch, '*** End Patch', ''].join('\n')));
    const content = readFileSync(file, 'utf8');
    expectThat(
      content === 'one\nswitchboard-42\nthree\n',
      `the file holds: ${shown(content)}; said: ${shown(run.answer)}`,
    );
    expectThat(/^Tool said: [^]*work\.txt/.test(run.answer), `answered: ${shown(run.answer)}`);
  },
};

const codeMode: Scenario = {
  name: 'code mode',
  modelPrefix: CODE_MODE,
  async play(cell) {
    const program = "text(await tools.exec_command({ cmd: 'echo switchboard-$((40+2))' }));";
    const run = await ask(cell, toolMarker('exec', program));
    expectThat(/^Tool said: [^]*switchboard-42/.test(run.answer), `answered: ${shown(run.answer)}`);
  },
};

const reasoning: Scenario = {
  name: 'reasoning',
  modelPrefix: CLASSIC,
  behaviour: THINKS,
  async play(cell) {
    const run = await ask(cell, toolMarker('exec_command', { cmd: 'echo switchboard-$((40+2))' }));
    expectThat(/^Tool said: [^]*switchboard-42/.test(run.answer), `answered: ${shown(run.answer)}`);
    const [, second = ''] = cell.receivedBodies();
    // Chat has no place for what the model thought before it called the tool.
    const place = { anthropic: '"type":"thinking"', chat: '', responses: '"type":"reasoning"' }[cell.upstream];
    expectThat(second.includes(place), 'the thought did not come back to the upstream');
  },
};

const busy: Scenario = {
  name: '429',
  modelPrefix: CLASSIC,
  behaviour: BUSY_ONCE,
  unwell: [BUSY_ENDING],
  async play(cell) {
    const { answer } = await ask(cell, 'say hi');
    expectThat(answer === GREETING, `answered: ${shown(answer)}`);
    const statuses = cell.served().map(({ status }) => status);
    expectThat(statuses.join() === '429,200', `the upstream answered ${statuses.join()}`);
  },
};

const midStreamFailure = failing('mid-stream failure', BREAKS, BROKEN_ENDING);
const outage = failing('outage', DOWN, DOWN_ENDING);

/** One turn fills the context; the next one begins with its compaction, which the built-in provider leaves to the server. */
const compaction = compacting('compaction, built-in provider', builtInProvider);
const ownCompaction = compacting('compaction', customProvider);

export const CODEX: ClientTrial = {
  id: 'codex',
  title: 'Codex',
  packages: [PACKAGE],
  speaks: 'responses',
  setup: `\`~/.codex/config.toml\`, with the key in the environment variable that it names:

\`\`\`toml
${customProvider('GATEWAY', 'auto').join('\n')}
\`\`\`

Or as its built-in provider, with \`CODEX_API_KEY=KEY\` for \`codex exec\`:

\`\`\`toml
${builtInProvider('GATEWAY', 'auto').join('\n')}
\`\`\``,
  losses: {
    // The last is what the model thought over a summary: a compaction holds nothing else.
    anthropic: ['custom_tool.format', 'server_tool', 'verbosity', 'prompt_cache_key', ...OWN_FIELDS, 'block.thinking'],
    chat: ['custom_tool.format', 'server_tool', 'thinking', ...OWN_FIELDS],
  },
  scenarios: [
    text,
    builtIn,
    exec,
    applyPatch,
    codeMode,
    reasoning,
    busy,
    midStreamFailure,
    outage,
    ownCompaction,
    compaction,
  ],
};

type Provider = (gatewayUrl: string, model: string) => string[];

/** JSON strings are TOML strings. */
function customProvider(gatewayUrl: string, model: string): string[] {
  return [
    `model = ${JSON.stringify(model)}`,
    'model_provider = "gateway"',
    '',
    '[model_providers.gateway]',
    'name = "Gateway"',
    `base_url = ${JSON.stringify(`${gatewayUrl}/v1`)}`,
    'env_key = "GATEWAY_KEY"',
  ];
}

function builtInProvider(gatewayUrl: string, model: string): string[] {
  return [`model = ${JSON.stringify(model)}`, `openai_base_url = ${JSON.stringify(`${gatewayUrl}/v1`)}`];
}

function answeringText(name: string, provider: Provider): Scenario {
  return {
    name,
    modelPrefix: CLASSIC,
    async play(cell) {
      const { answer } = await ask(cell, 'say hi', { provider });
      expectThat(answer === GREETING, `answered: ${shown(answer)}`);
      expectThat(cell.received().length === 1, `asked ${cell.received().length} times for one answer`);
    },
  };
}

function failing(name: string, behaviour: string, ending: string): Scenario {
  return {
    name,
    modelPrefix: CLASSIC,
    behaviour,
    unwell: [ending],
    async play(cell) {
      const { code, events, answer } = await run(cell, ['say hi'], { settings: RETRY_ONCE });
      const failed = events.find(({ type }) => type === 'turn.failed');
      expectThat(code !== 0 && failed !== undefined, `took it for success: ${shown(answer)}`);
      const message = failed.error?.message ?? '';
      expectThat(/simulated failure|upstream/i.test(message), `hides the reason: ${shown(message)}`);
    },
  };
}

function compacting(name: string, provider: Provider): Scenario {
  return {
    name,
    modelPrefix: CLASSIC,
    // Each turn fills the context, by what it reports: the next one begins with a compaction.
    behaviour: `;input_tokens=${COMPACT_ABOVE_TOKENS + 1}`,
    async play(cell) {
      const setup = { provider, top: [`model_auto_compact_token_limit = ${COMPACT_ABOVE_TOKENS}`] };
      await ask(cell, 'say hi', setup);
      const second = await run(cell, ['resume', '--last', 'say more'], setup);
      expectThat(second.code === 0, `ended with ${second.code}: ${whyFailed(second)}`);
      expectThat(second.answer.startsWith('Hi from'), `answered: ${shown(second.answer)}`);
      const bodies = cell.receivedBodies();
      expectThat(bodies.length === 3, `asked ${bodies.length} times for an answer, a summary and an answer`);
      const [, summarised = '', last = ''] = bodies;
      expectThat(summarised !== last && last.includes('say more'), 'the question did not reach the model');
      // What the model wrote of it, in the place of what was said.
      const isSealed = cell.upstream === 'responses' && provider === builtInProvider;
      const summary = isSealed ? '"type":"compaction"' : 'Hi from the Switchboard simulator';
      expectThat(last.includes(summary), 'the summary did not reach the model');
    },
  };
}

interface Setup {
  provider?: Provider;
  /** Lines for the top of its configuration. */
  top?: readonly string[];
  /** Lines for the provider's part, which is its end. */
  settings?: readonly string[];
}

/** Rejects where it did not end well. */
async function ask(cell: Cell, prompt: string, setup: Setup = {}): Promise<CodexRun> {
  const outcome = await run(cell, [prompt], setup);
  expectThat(outcome.code === 0, `ended with ${outcome.code}: ${whyFailed(outcome)}`);
  return outcome;
}

async function run(cell: Cell, args: readonly string[], setup: Setup): Promise<CodexRun> {
  const { provider = customProvider, top = [], settings = [] } = setup;
  const home = path.join(cell.folder, '.codex');
  if (!existsSync(home)) mkdirSync(home);
  const config = [...top, ...provider(cell.gatewayUrl, cell.model), ...settings];
  writeFileSync(path.join(home, 'config.toml'), config.join('\n'));
  const outcome = await cell.run({
    program: process.execPath,
    args: [
      scriptOf(PACKAGE, 'bin/codex.js'),
      ...['exec', '--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', ...args],
    ],
    env: { CODEX_HOME: home, CODEX_API_KEY: cell.key, GATEWAY_KEY: cell.key },
  });
  const events = outcome.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Event);
  const said = events.filter(({ type, item }) => type === 'item.completed' && item?.type === 'agent_message');
  return { ...outcome, events, answer: said.at(-1)?.item?.text ?? '' };
}

function whyFailed({ events, stderr }: CodexRun): string {
  const failed = events.find(({ type }) => type === 'turn.failed');
  return shown(failed?.error?.message ?? stderr);
}
