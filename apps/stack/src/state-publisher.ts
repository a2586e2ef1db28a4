import { processStart, type Logger } from '@switchboard/platform';
import type { StackProcesses } from './control-actions';
import type { Guarded } from './guarded';
import type { Guardian } from './guardian';
import { readRunningState, removeState, writeState, type StackState } from './state-file';
import type { ProcessEntry } from './topology';

/** Some changes come without a word: a database that restarts by itself, say. */
const POLL_MS = 500;

/** Keeps the state file, and what the guardian knows, as things are. */
export class StatePublisher {
  private state: Omit<StackState, 'processes'> | undefined;
  private processes: StackProcesses | undefined;
  private written = '';
  private readonly timer = setInterval(() => this.publish(), POLL_MS);

  constructor(
    private readonly file: string,
    private readonly guardian: Guardian,
    private readonly log: Logger,
  ) {}

  /** @throws when another stack that runs keeps its state in the same file. */
  async open(state: Omit<StackState, 'pid' | 'start' | 'processes'>, processes: StackProcesses): Promise<void> {
    const other = await readRunningState(this.file);
    if (other !== undefined) {
      throw new Error(
        `The stack is running already (process ${other.pid}, ${other.url}; ${this.file}). ` +
          'Stop that one, or start this one with another STACK_STATE.',
      );
    }
    const start = await processStart(process.pid);
    if (start === undefined) throw new Error('cannot tell when this process started');
    this.state = { pid: process.pid, start, ...state };
    this.processes = processes;
    this.publish();
  }

  publish(): void {
    if (this.state === undefined || this.processes === undefined) return;
    const { services, simulator, servers } = this.processes;
    const sets = [...Object.values(services), ...(simulator === undefined ? [] : [simulator])];
    const ofServers = Object.values(servers);
    const served: ProcessEntry[] = sets.flatMap(({ entries }) => entries);
    this.guardian.watch([
      ...served.map(({ pid }): Guarded => ({ pid, kind: 'service', signal: 'SIGTERM' })),
      ...ofServers.flatMap(({ guarded }) => guarded),
    ]);
    const entries = [...ofServers.flatMap((server) => server.entries), ...served];
    const text = JSON.stringify(entries);
    if (text === this.written) return;
    try {
      writeState(this.file, { ...this.state, processes: entries });
      this.written = text;
    } catch (error) {
      // A full disk stops nobody's requests; the next change tries again.
      this.log.error({ err: error, file: this.file }, 'the state file could not be written');
    }
  }

  close(): Promise<void> {
    clearInterval(this.timer);
    if (this.state !== undefined) removeState(this.file);
    this.state = undefined;
    return Promise.resolve();
  }
}
