import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Budget } from '../budget/measure';
import type { LatencyResult } from '../latency/report';
import type { LongPromptRounds } from '../long-prompts/measure';
import type { BenchDescription, ScenarioResult } from '../report';
import type { RunDescription } from '../run-description';
import type { SoakResult } from '../soak/measure';
import type { StreamSide } from '../streams/measure';
import type { StreamsOptions } from '../streams/options';

/** What benchmarks kept last; absent: it was not kept yet. */
export interface KeptResults {
  cpu?: BenchDescription & { results: ScenarioResult[] };
  latency?: RunDescription & { results: LatencyResult[] };
  streams?: RunDescription & { options: Pick<StreamsOptions, 'streams'>; sides: StreamSide[] };
  longPrompts?: RunDescription & { sides: LongPromptRounds[] };
  soak?: RunDescription & { result: SoakResult };
  budget?: RunDescription & { budgets: Budget[] };
}

/** Figures are of the one subject that has everything on. */
export const judged = 'distributed';

/** Reads bench/results. @throws SyntaxError where a file is no JSON. */
export function readKeptResults(folder: string): KeptResults {
  const read = (name: string): object | undefined => {
    const file = path.join(folder, `${name}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : undefined;
  };
  const kept = {
    cpu: newestOfJudged(
      readdirSync(folder).flatMap((file) => read(/^\d{4}-.*(?=\.json$)/.exec(file)?.[0] ?? '') ?? []),
    ),
    ...{ latency: read('latency'), streams: read('streams'), longPrompts: read('long-prompts') },
    ...{ soak: read('soak'), budget: read('budget') },
  };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as KeptResults;
}

/** Runs of other benchmarks, and those of other subjects, are in the folder too. */
function newestOfJudged(runs: readonly object[]): KeptResults['cpu'] {
  const ofJudged = (runs as Partial<NonNullable<KeptResults['cpu']>>[]).filter(
    (run): run is NonNullable<KeptResults['cpu']> => run.results !== undefined && (run.subjects ?? []).includes(judged),
  );
  return ofJudged.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt)).at(-1);
}
