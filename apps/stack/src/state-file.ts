import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { processStart } from '@switchboard/platform';
import { z } from 'zod';
import type { ProcessEntry } from './topology';

const stateSchema = z.object({
  pid: z.number().int(),
  /** Tells this process from a later one of the same pid. */
  start: z.string(),
  /** The public port; every edge is behind it. */
  url: z.string(),
  adminUrl: z.string(),
  adminToken: z.string(),
  control: z.object({ url: z.string(), token: z.string() }),
  logs: z.string(),
  processes: z.array(z.custom<ProcessEntry>((value) => typeof value === 'object' && value !== null)),
});

export type StackState = z.output<typeof stateSchema>;

/** Whole or not at all, readable by its owner alone: it holds credentials. */
export function writeState(file: string, state: StackState): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

export function removeState(file: string): void {
  rmSync(file, { force: true });
}

/** The stack that runs now, by this file; undefined where there is none, or where it was killed and could not clean up. */
export async function readRunningState(file: string): Promise<StackState | undefined> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const state = parseState(file, text);
  return (await processStart(state.pid)) === state.start ? state : undefined;
}

function parseState(file: string, text: string): StackState {
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${file} is damaged. If no stack runs here, delete it.`, { cause: error });
  }
}
