import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { DEFAULT_REPLICAS, isService, SERVERS, SERVICES, SIMULATOR, type Replicas } from './topology';

export const ACTIONS = ['stop', 'start', 'restart', 'kill'] as const;
export type Action = (typeof ACTIONS)[number];

export type StackCommand =
  | { kind: 'run'; replicas: Replicas }
  | { kind: 'status' }
  | { kind: 'control'; action: Action; name?: string; signal?: NodeJS.Signals };

export type ReadArguments = { ok: true; command: StackCommand } | { ok: false; faults: string[] };

const REPLICAS_MOST = 16;

export const USAGE = `Usage: npm run stack [-- --replicas edge-api=3 …]
       npm run stack -- status
       npm run stack -- stop|start|restart NAME
       npm run stack -- restart                      every service in turn
       npm run stack -- kill NAME [--signal SIGKILL]
NAME: ${[...SERVICES, SIMULATOR, ...SERVERS].join(', ')}; edge-api-2 for one of several.`;

/** The command line, all faults at once. */
export function readArguments(args: readonly string[]): ReadArguments {
  const faults: string[] = [];
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      replicas: { type: 'string', multiple: true },
      signal: { type: 'string' },
      'validate-config': { type: 'boolean' },
    },
    allowPositionals: true,
    strict: false,
  });
  for (const option of Object.keys(values)) {
    if (!['replicas', 'signal', 'validate-config'].includes(option)) faults.push(`--${option}: unknown option`);
  }
  const texts = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).filter(isText);
  const replicas = readReplicas(values.replicas === undefined ? [] : texts(values.replicas), faults);
  if (values.replicas !== undefined && texts(values.replicas).length === 0)
    faults.push('--replicas: give service=count');
  const command = readCommand(positionals, texts(values.signal)[0], replicas, faults);
  if (command.kind !== 'run' && values.replicas !== undefined)
    faults.push('--replicas: only when the stack is started');
  return faults.length > 0 ? { ok: false, faults } : { ok: true, command };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function readReplicas(given: readonly string[], faults: string[]): Replicas {
  const replicas = { ...DEFAULT_REPLICAS };
  for (const text of given) {
    const [name = '', count = ''] = text.split('=');
    if (!isService(name)) {
      faults.push(`--replicas ${text}: unknown service, must be one of ${SERVICES.join(', ')}`);
    } else if (!/^\d+$/.test(count) || Number(count) < 1 || Number(count) > REPLICAS_MOST) {
      faults.push(`--replicas ${text}: must be service=count, the count from 1 to ${REPLICAS_MOST}`);
    } else {
      replicas[name] = Number(count);
    }
  }
  return replicas;
}

function readCommand(
  words: readonly string[],
  signal: string | undefined,
  replicas: Replicas,
  faults: string[],
): StackCommand {
  const [word, name, ...rest] = words;
  if (rest.length > 0) faults.push(`${rest.join(' ')}: one name at a time`);
  if (signal !== undefined && word !== 'kill') faults.push('--signal: only with kill');
  if (word === undefined) return { kind: 'run', replicas };
  if (word === 'status') return { kind: 'status' };
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) {
    faults.push(`${word}: unknown command, must be one of status, ${ACTIONS.join(', ')}`);
    return { kind: 'status' };
  }
  if (name === undefined && action !== 'restart') faults.push(`${action}: say what`);
  if (signal !== undefined && !isSignal(signal)) faults.push(`--signal ${signal}: unknown signal`);
  return {
    kind: 'control',
    action,
    ...(name !== undefined && { name }),
    ...(signal !== undefined && isSignal(signal) && { signal }),
  };
}

export function isSignal(text: string): text is NodeJS.Signals {
  return text in constants.signals;
}
