import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@switchboard/platform';
import type { ServiceProcess } from './service-process';
import { labelOf, type ProcessEntry } from './topology';

/** One place in a set: who holds it now, and who is about to. */
interface Slot {
  replica: number;
  wanted: boolean;
  current?: ServiceProcess | undefined;
  next?: ServiceProcess | undefined;
  /** Processes that ended, one after the other, without having been ready. */
  failures: number;
  restart?: NodeJS.Timeout | undefined;
}

export interface ReplicaSetOptions {
  name: string;
  kind: ProcessEntry['kind'];
  replicas: number;
  launch: (replica: number) => Promise<ServiceProcess>;
  log: Logger;
  /** Called whenever `entries` may have changed. */
  changed: () => void;
}

/** After the stop limit, for what an edge has to end. */
const LAST_WORDS_MS = 5_000;
const RESTART_DELAY_MS = { first: 100, most: 10_000 };
const READY_LIMIT_MS = 120_000;

/** Keeps the processes of one service running, and replaces them without a gap. */
export class ReplicaSet {
  private readonly slots: Slot[];
  private readonly leaving = new Set<ServiceProcess>();

  constructor(private readonly options: ReplicaSetOptions) {
    this.slots = Array.from({ length: options.replicas }, (_, index) => {
      return { replica: index + 1, wanted: false, failures: 0 };
    });
  }

  get name(): string {
    return this.options.name;
  }

  get labels(): string[] {
    return this.slots.map((slot) => this.labelOf(slot));
  }

  get replicas(): number {
    return this.slots.length;
  }

  get ready(): boolean {
    return this.isReady();
  }

  private isReady(replica?: number): boolean {
    return this.chosen(replica).every(({ current }) => current?.ready === true);
  }

  /** False when they are not all ready in time. */
  async untilReady(limitMs: number, replica?: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (!this.isReady(replica) && performance.now() < deadline) await delay(25);
    return this.isReady(replica);
  }

  /** The label of a replica that has failed to start so many times in a row. */
  failing(times: number): string | undefined {
    const slot = this.slots.find(({ failures }) => failures >= times);
    return slot && this.labelOf(slot);
  }

  /** Those that new work may go to. */
  get current(): ServiceProcess[] {
    return this.slots.flatMap(({ current }) => current ?? []);
  }

  get entries(): ProcessEntry[] {
    return this.processes().flatMap((process) => {
      const { name, replica, port, url, adminUrl } = process.plan;
      const { pid } = process;
      if (pid === undefined) return [];
      const status = process.draining ? 'draining' : process.ready ? 'ready' : 'starting';
      const { kind } = this.options;
      return { name, pid, port, url, kind, replica, status, ...(adminUrl !== undefined && { adminUrl }) };
    });
  }

  async start(replica?: number): Promise<void> {
    const slots = this.chosen(replica).filter(({ wanted }) => !wanted);
    for (const slot of slots) slot.wanted = true;
    await Promise.all(slots.map((slot) => this.occupy(slot)));
  }

  /** Resolves when they have ended: by themselves within `limitMs`, or killed. */
  async stop(limitMs: number, replica?: number): Promise<void> {
    const slots = this.chosen(replica);
    for (const slot of slots) {
      slot.wanted = false;
      clearTimeout(slot.restart);
    }
    await Promise.all(this.processes(replica).map((process) => end(process, limitMs)));
    for (const slot of slots) slot.failures = 0;
  }

  /**
   * One after the other: a new process, and once it is ready, the old one drains by itself.
   *
   * @throws when a new one does not become ready; the old one then stays.
   */
  async roll(replica?: number): Promise<void> {
    for (const slot of this.chosen(replica)) await this.replace(slot);
  }

  /** @returns how many were signalled. */
  kill(signal: NodeJS.Signals, replica?: number): number {
    const processes = this.chosen(replica).flatMap(({ current }) => current ?? []);
    for (const process of processes) process.signal(signal);
    return processes.length;
  }

  private async replace(slot: Slot): Promise<void> {
    slot.wanted = true;
    clearTimeout(slot.restart);
    const next = await this.options.launch(slot.replica);
    slot.next = next;
    this.options.changed();
    const ready = await next.untilReady(READY_LIMIT_MS);
    slot.next = undefined;
    if (!ready || !slot.wanted) {
      next.signal('SIGKILL');
      // What died meanwhile was left to this replacement.
      if (slot.wanted && slot.current === undefined) await this.occupy(slot);
      throw new Error(`the new ${this.labelOf(slot)} did not become ready, see its log; the old one stays`);
    }
    const old = slot.current;
    this.take(slot, next);
    if (old === undefined || !old.running) return;
    this.leaving.add(old);
    old.drain();
    this.options.changed();
  }

  private async occupy(slot: Slot): Promise<void> {
    const process = await this.options.launch(slot.replica);
    if (slot.wanted && slot.current === undefined) this.take(slot, process);
    else process.signal('SIGKILL');
  }

  private take(slot: Slot, process: ServiceProcess): void {
    slot.current = process;
    let wasReady = process.ready;
    void process.untilReady(READY_LIMIT_MS).then((ready) => {
      wasReady ||= ready;
      if (ready) slot.failures = 0;
    });
    void process.ended.then((how) => this.onEnded(slot, process, how, wasReady));
    this.options.changed();
  }

  private onEnded(slot: Slot, process: ServiceProcess, how: string, wasReady: boolean): void {
    this.leaving.delete(process);
    if (slot.current === process) {
      slot.current = undefined;
      if (slot.wanted) this.restart(slot, how, wasReady);
    }
    this.options.changed();
  }

  private restart(slot: Slot, how: string, wasReady: boolean): void {
    slot.failures = wasReady ? 0 : slot.failures + 1;
    const inMs = Math.min(RESTART_DELAY_MS.first * 2 ** slot.failures, RESTART_DELAY_MS.most);
    this.options.log.warn({ how, inMs }, `${this.labelOf(slot)} ended (${how}), it is started again in ${inMs} ms`);
    slot.restart = setTimeout(() => {
      if (!slot.wanted || slot.current !== undefined || slot.next !== undefined) return;
      this.occupy(slot).catch((error: unknown) => {
        this.options.log.error({ err: error }, `${this.labelOf(slot)} could not be started`);
        this.restart(slot, 'not started', false);
      });
    }, inMs);
  }

  private chosen(replica: number | undefined): Slot[] {
    return replica === undefined ? this.slots : this.slots.filter((slot) => slot.replica === replica);
  }

  private processes(replica?: number): ServiceProcess[] {
    const held = this.chosen(replica).flatMap(({ current, next }) => [current, next]);
    const leaving = [...this.leaving].filter(({ plan }) => replica === undefined || plan.replica === replica);
    return [...held, ...leaving].filter((process) => process !== undefined);
  }

  private labelOf({ replica }: Slot): string {
    return labelOf(this.name, replica, this.slots.length);
  }
}

async function end(process: ServiceProcess, limitMs: number): Promise<void> {
  if (!process.draining) process.drain();
  if (await endsWithin(process, limitMs)) return;
  // An edge ends its streams in their own dialect and publishes their bills; to others it is a plain end.
  process.signal('SIGUSR2');
  if (await endsWithin(process, LAST_WORDS_MS)) return;
  process.signal('SIGKILL');
  await process.ended;
}

async function endsWithin(process: ServiceProcess, limitMs: number): Promise<boolean> {
  const patience = new AbortController();
  const inTime = await Promise.race([
    process.ended.then(() => true),
    delay(limitMs, false, { signal: patience.signal }).catch(() => true),
  ]);
  patience.abort();
  return inTime;
}
