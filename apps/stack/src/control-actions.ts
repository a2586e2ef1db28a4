import type { Action } from './arguments';
import { ControlError } from './control-server';
import type { ReplicaSet } from './replica-set';
import type { Servers } from './servers';
import type { SupervisedServer } from './supervised-server';
import { isService, SERVERS, SERVICES, SIMULATOR, type ServiceName } from './topology';

/** What of a stack can be acted upon. */
export interface StackProcesses {
  services: Readonly<Record<ServiceName, ReplicaSet>>;
  simulator: ReplicaSet | undefined;
  servers: Servers;
}

/** How long a process may take to end by itself before it is killed. */
export const STOP_LIMIT_MS = 10_000;
const START_LIMIT_MS = 60_000;

type Subject =
  { kind: 'server'; server: SupervisedServer } | { kind: 'set'; set: ReplicaSet; replica: number | undefined };

/** Resolves with what was done, in words. @throws ControlError for a name that is none; Error for what failed. */
export async function controlStack(
  processes: StackProcesses,
  action: Action,
  name: string | undefined,
  signal: NodeJS.Signals,
): Promise<string> {
  if (name === undefined) {
    if (action !== 'restart') throw new ControlError(`${action}: say what (name=…)`);
    for (const service of SERVICES) await processes.services[service].roll();
    return 'every service was replaced, in turn';
  }
  const subject = subjectOf(processes, name);
  const done =
    subject.kind === 'server' ? actOnServer(subject.server, action, signal) : actOnSet(subject, action, signal);
  await done;
  return `${name}: ${{ stop: 'stopped', start: 'started', restart: 'restarted', kill: `sent ${signal}` }[action]}`;
}

function subjectOf({ services, simulator, servers }: StackProcesses, name: string): Subject {
  const server = SERVERS.find((known) => known === name);
  if (server !== undefined) return { kind: 'server', server: servers[server] };
  const [, base = name, number] = /^(.+)-(\d+)$/.exec(name) ?? [];
  const set = isService(base) ? services[base] : base === SIMULATOR ? simulator : undefined;
  const replica = number === undefined ? undefined : Number(number);
  if (set !== undefined && (replica === undefined || (replica >= 1 && replica <= set.replicas))) {
    return { kind: 'set', set, replica };
  }
  const known = [...SERVICES, ...(simulator === undefined ? [] : [SIMULATOR]), ...SERVERS];
  throw new ControlError(`${name}: there is none, must be one of ${known.join(', ')} (or edge-api-2, one of several)`);
}

async function actOnServer(server: SupervisedServer, action: Action, signal: NodeJS.Signals): Promise<void> {
  if (action === 'kill') return told(server.kill(signal), server.name);
  if (action !== 'start') await server.stop();
  if (action !== 'stop') await server.start();
}

async function actOnSet(
  { set, replica }: { set: ReplicaSet; replica: number | undefined },
  action: Action,
  signal: NodeJS.Signals,
): Promise<void> {
  if (action === 'kill') return told(set.kill(signal, replica), set.name);
  // At its one address there cannot be two simulators.
  if (action === 'restart' && set.name !== SIMULATOR) return set.roll(replica);
  if (action !== 'start') await set.stop(STOP_LIMIT_MS, replica);
  if (action === 'stop') return;
  await set.start(replica);
  if (!(await set.untilReady(START_LIMIT_MS, replica))) throw new Error(`${set.name} is not ready yet, see its log`);
}

function told(count: number, name: string): void {
  if (count === 0) throw new ControlError(`${name} does not run`);
}
