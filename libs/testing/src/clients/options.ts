import { parseArgs } from 'node:util';
import { TRIALS } from './registry';
import { UPSTREAMS, type ClientTrial, type Upstream } from './trial';

export interface ClientsOptions {
  trials: readonly ClientTrial[];
  upstreams: readonly Upstream[];
  /** Only scenarios of these names; undefined: all. */
  scenarios: readonly string[] | undefined;
  /** A page to write, beside what is printed. */
  page: string | undefined;
  /** A folder for what the clients printed. */
  logs: string | undefined;
}

export const usage = `npm run clients -- [--only a,b] [--upstream a,b] [--scenario a,b] [--write FILE] [--logs FOLDER]
  --only      clients, by their names or what these begin with (default: all):
              ${TRIALS.map(({ id }) => id).join(', ')}
  --upstream  dialects of upstreams (default: all): ${UPSTREAMS.join(', ')}
  --scenario  scenarios by name (default: all)
  --write     a page with the matrix, e.g. docs/clients.md
  --logs      a folder to keep in what each client printed`;

/** Throws a TypeError on what it does not know. */
export function parseClientsOptions(args: readonly string[]): ClientsOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { only: text, upstream: text, scenario: text, write: text, logs: text },
  });
  return {
    trials: values.only === undefined ? TRIALS : TRIALS.filter(chosenBy(values.only.split(','))),
    upstreams: values.upstream === undefined ? UPSTREAMS : values.upstream.split(',').map(upstreamOf),
    scenarios: values.scenario?.split(',').map(scenarioOf),
    page: values.write,
    logs: values.logs,
  };
}

function chosenBy(names: readonly string[]): (trial: ClientTrial) => boolean {
  const chooses = (name: string, { id }: ClientTrial): boolean => id === name || id.startsWith(`${name}-`);
  for (const name of names) {
    if (!TRIALS.some((trial) => chooses(name, trial))) {
      throw new TypeError(`--only: ${name} is none of ${TRIALS.map(({ id }) => id).join(', ')}`);
    }
  }
  return (trial) => names.some((name) => chooses(name, trial));
}

function upstreamOf(name: string): Upstream {
  const upstream = UPSTREAMS.find((known) => known === name);
  if (upstream === undefined) throw new TypeError(`--upstream: ${name} is none of ${UPSTREAMS.join(', ')}`);
  return upstream;
}

function scenarioOf(name: string): string {
  const known = [...new Set(TRIALS.flatMap(({ scenarios }) => scenarios.map((scenario) => scenario.name)))];
  if (!known.includes(name)) throw new TypeError(`--scenario: ${name} is none of ${known.join(', ')}`);
  return name;
}
