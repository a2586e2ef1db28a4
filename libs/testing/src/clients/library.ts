import path from 'node:path';
import { PDF, PNG } from './attachments';
import { BREAKS, BROKEN_ENDING, BUSY_ENDING, BUSY_ONCE, DOWN, DOWN_ENDING, GREETING } from './behaviours';
import { shown, type Cell } from './cell';
import { CLIENTS_FOLDER } from './installation';
import { expectThat, type Scenario } from './trial';

/** What the scripts in `deploy/clients` print, whichever library they use. */
export interface LibraryOutcome {
  text?: string;
  object?: { city?: unknown; inhabitants?: unknown };
  usage?: { inputTokens?: number; outputTokens?: number };
  /** What the model thought, where it was shown. */
  reasoning?: string;
  error?: { name?: string; status?: number; message: string };
}

/** A script in `deploy/clients`, and which of its ways to reach the gateway. */
export interface Library {
  script: string;
  way: string;
}

export const WEATHER_REPORT = 'Tool said: It rains in Bergen.';

/** What every library is asked to do; `played` names the scenario in the script. */
export function scenariosOf(library: Library): Scenario[] {
  return [
    answering(library, 'text', GREETING),
    answering(library, 'stream', GREETING),
    answering(library, 'tools', WEATHER_REPORT),
    answering(library, 'streamed tools', WEATHER_REPORT),
    object(library),
    {
      ...answering(library, '429', GREETING, 'text'),
      ...{ behaviour: BUSY_ONCE, unwell: [BUSY_ENDING] },
    },
    failing(library, 'mid-stream error', BREAKS, BROKEN_ENDING),
    failing(library, 'outage', DOWN, DOWN_ENDING),
  ];
}

/** Rejects with a Discrepancy where the script itself fails, or prints anything else than an outcome. */
export async function playLibrary({ script, way }: Library, scenario: string, cell: Cell): Promise<LibraryOutcome> {
  const { stdout } = await cell.runWell({
    program: process.execPath,
    args: [path.join(CLIENTS_FOLDER, script), way, scenario],
    env: {
      GATEWAY_URL: cell.gatewayUrl,
      GATEWAY_KEY: cell.key,
      MODEL: cell.model,
      PNG: PNG.toString('base64'),
      PDF: PDF.toString('base64'),
    },
  });
  return JSON.parse(stdout) as LibraryOutcome;
}

export async function playWell(library: Library, scenario: string, cell: Cell): Promise<LibraryOutcome> {
  const outcome = await playLibrary(library, scenario, cell);
  const { error } = outcome;
  expectThat(error === undefined, `threw ${error?.name} ${error?.status ?? ''}: ${shown(error?.message ?? '')}`);
  return outcome;
}

/** The reply's text, and that it was counted. */
export function answering(library: Library, name: string, answer: string, played = name): Scenario {
  return {
    name,
    async play(cell) {
      const { text = '', usage } = await playWell(library, played, cell);
      expectThat(text.includes(answer), `answered: ${shown(text)}`);
      expectThat((usage?.outputTokens ?? 0) > 0, 'was told of no output tokens');
      expectThat((usage?.inputTokens ?? 0) > 0, 'was told of no input tokens');
    },
  };
}

function object(library: Library): Scenario {
  return {
    name: 'object',
    async play(cell) {
      const { object: made } = await playWell(library, 'object', cell);
      const fits = typeof made?.city === 'string' && Number.isInteger(made.inhabitants);
      expectThat(fits, `the schema is not met: ${JSON.stringify(made)}`);
    },
  };
}

/** The script streams; a half reply must not pass for a whole one. */
function failing(library: Library, name: string, behaviour: string, ending: string): Scenario {
  return {
    name,
    behaviour,
    unwell: [ending],
    async play(cell) {
      const { error, text } = await playLibrary(library, 'stream', cell);
      expectThat(error !== undefined, `took it for success: ${shown(text ?? '')}`);
      expectThat(/simulated failure|upstream/i.test(error.message), `hides the reason: ${shown(error.message)}`);
    },
  };
}
