import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@switchboard/platform';
import type { Guarded } from './guarded';
import { sendSignal } from './send-signal';
import type { ProcessEntry, ServerName } from './topology';

/** A server that runs. */
export interface ServerHandle {
  /** Undefined while it is not there, to be back soon. */
  readonly pid: number | undefined;
  port: number;
  url: string;
  /** Resolves when it has ended, what it held written. */
  stop(): Promise<void>;
  /** Absent where it is kept running by whoever made it. */
  ended?: Promise<string>;
}

export interface ServerLaunch {
  /** The one it had before, where it had one, so that its clients find it again. */
  port: number | undefined;
  /** To be called with the pid as early as it is known. */
  spawned: (pid: number) => void;
}

export interface SupervisedServerOptions {
  name: ServerName;
  launch: (options: ServerLaunch) => Promise<ServerHandle>;
  /** What it ends on gracefully. */
  stopSignal: NodeJS.Signals;
  log: Logger;
  changed: () => void;
}

const RESTART_DELAY_MS = { first: 250, most: 10_000 };

/** Keeps one server running, always at one address. */
export class SupervisedServer {
  private handle: ServerHandle | undefined;
  private port: number | undefined;
  private knownUrl: string | undefined;
  private spawnedPid: number | undefined;
  private wanted = false;
  private launching: Promise<void> = Promise.resolve();

  constructor(private readonly options: SupervisedServerOptions) {}

  get name(): ServerName {
    return this.options.name;
  }

  /** The same from its first start on, whether it runs or not. @throws before. */
  get url(): string {
    if (this.knownUrl === undefined) throw new Error(`${this.name} was never started`);
    return this.knownUrl;
  }

  get entries(): ProcessEntry[] {
    if (this.handle?.pid === undefined) return [];
    const { pid, port, url } = this.handle;
    return [{ name: this.name, pid, port, url, kind: 'server', replica: 1, status: 'ready' }];
  }

  get guarded(): Guarded[] {
    const pids = new Set([this.spawnedPid, ...this.entries.map(({ pid }) => pid)]);
    return [...pids].flatMap((pid) => {
      return pid === undefined ? [] : [{ pid, kind: 'server', signal: this.options.stopSignal }];
    });
  }

  /** @throws when it does not start. */
  async start(): Promise<void> {
    if (this.wanted) return;
    this.wanted = true;
    this.launching = this.launch();
    try {
      await this.launching;
    } catch (error) {
      this.wanted = false;
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.wanted = false;
    const { handle } = this;
    this.handle = undefined;
    await handle?.stop();
    // One that is under way ends itself as soon as it stands; whether it failed is told to who started it.
    await this.launching.catch(() => undefined);
    this.spawnedPid = undefined;
    this.options.changed();
  }

  /** @returns how many were signalled. */
  kill(signal: NodeJS.Signals): number {
    return this.entries.filter(({ pid }) => sendSignal(pid, signal)).length;
  }

  private onSpawned(pid: number): void {
    this.spawnedPid = pid;
    this.options.changed();
  }

  private async launch(): Promise<void> {
    const handle = await this.options.launch({ port: this.port, spawned: (pid) => this.onSpawned(pid) });
    if (!this.wanted) return handle.stop();
    this.handle = handle;
    this.port = handle.port;
    this.knownUrl = handle.url;
    this.options.changed();
    void handle.ended?.then((how) => this.onEnded(handle, how));
  }

  private async onEnded(handle: ServerHandle, how: string): Promise<void> {
    if (this.handle !== handle) return;
    this.handle = undefined;
    this.options.changed();
    const { log } = this.options;
    log.warn({ how }, `${this.name} ended (${how}), it is started again`);
    for (let pauseMs = RESTART_DELAY_MS.first; this.wanted; pauseMs = Math.min(pauseMs * 2, RESTART_DELAY_MS.most)) {
      await delay(pauseMs);
      try {
        if (this.wanted && this.handle === undefined) await (this.launching = this.launch());
        return;
      } catch (error) {
        log.error({ err: error }, `${this.name} did not start again, it is tried once more`);
      }
    }
  }
}
