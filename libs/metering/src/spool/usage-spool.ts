import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';
import type { Logger, Metrics } from '@switchboard/platform';
import { Outage } from '../outage';
import { adoptAbandoned } from './adapters/abandoned-spools';
import { AdoptedSpool } from './adapters/adopted-spool';
import { newFolderName, type Owner, thisProcess } from './adapters/owner';
import { SpoolLog } from './adapters/spool-log';
import { registerSpoolMetrics, type SpoolCounts } from './spool-metrics';

export interface UsageSpoolOptions {
  /** Shared by all processes of one machine that may succeed each other; created if absent. */
  dir: string;
  /** Of this process: its own records and those it adopted. */
  bytesMax: number;
  log: Logger;
  metrics: Metrics;
  /** Between one look for what dead processes left and the next. */
  adoptIntervalMs?: number;
}

const ADOPT_INTERVAL_MS = 3_000;
const LEFT_AT_ONCE = 500;
const SEGMENT_BYTES_MOST = 4 * 1024 * 1024;
/** So that a small spool has some to let go of, too. */
const SEGMENTS_LEAST = 16;

/**
 * Usage on local disk, from the moment a call begins until what it came to is stored: for whoever comes after a process
 * that was killed. Each process writes a folder of its own below `dir`; those of dead ones are adopted and told again, at
 * the start and every few seconds.
 */
export class UsageSpool {
  private readonly log: SpoolLog;
  private readonly counts: SpoolCounts;
  private adopted: AdoptedSpool[] = [];
  private offer: ((event: UsageRecordedV1) => boolean) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private leftCount = 0;
  /** Resolves once what was left before this process began has been offered, all of it. */
  readonly replayed: Promise<void>;
  private firstLookOver = (): void => undefined;
  private refusing = false;
  private closed = false;
  private closing: Promise<void> | undefined;

  /** @throws Error that names the folder where it cannot be written. */
  static async open(options: UsageSpoolOptions): Promise<UsageSpool> {
    const owner = await thisProcess();
    try {
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
      return new UsageSpool(options, owner);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`the spool folder ${options.dir} (SPOOL_DIR) cannot be written: ${message}`, { cause: error });
    }
  }

  private constructor(
    private readonly options: UsageSpoolOptions,
    private readonly owner: Owner,
  ) {
    const { dir, bytesMax, log } = options;
    this.replayed = new Promise((resolve) => (this.firstLookOver = resolve));
    const disk = new Outage(log, {
      lost: 'the spool cannot be written',
      back: 'the spool is written again',
    });
    this.log = new SpoolLog({
      ...{ folder: path.join(dir, newFolderName(owner)), owner, bytesMax },
      segmentBytes: Math.min(SEGMENT_BYTES_MOST, Math.ceil(bytesMax / SEGMENTS_LEAST)),
      bytesElsewhere: () => this.adopted.reduce((sum, { bytes }) => sum + bytes, 0),
      failed: (error) => disk.failed(error),
      worked: () => disk.succeeded(),
      lost: (records) => this.counts.refused.inc(records),
    });
    this.counts = registerSpoolMetrics(options.metrics, this);
  }

  /** Of all files, adopted ones included. */
  get bytes(): number {
    return this.log.bytes + this.adopted.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get bytesMax(): number {
    return this.options.bytesMax;
  }

  /** Records that wait: calls under way, and usage that is not stored. */
  get open(): number {
    return this.log.open + this.adopted.reduce((sum, { open }) => sum + open, 0);
  }

  /** Calls `written` when the intent is safe from a kill of this process; or not in the spool at all, which is counted. */
  intent(intent: UsageIntent, written: () => void): void {
    this.judged(this.log.intent(intent));
    this.log.afterTurn(written);
  }

  /** False: it is in memory only. `kept` is called as `written` is. `json`: what it is written as, where that is known already. */
  usage(event: UsageRecordedV1, kept?: () => void, json?: Buffer): boolean {
    const spooled = this.judged(this.log.usage(event, json));
    if (kept !== undefined) this.log.afterTurn(kept);
    return spooled;
  }

  /** Memory has no room for it: offered again once there is. */
  leave(event: UsageRecordedV1): void {
    this.log.leave(event.requestId);
    this.leftCount++;
  }

  stored(events: readonly UsageRecordedV1[]): void {
    const own: string[] = [];
    for (const { requestId } of events) {
      if (!this.adopted.some((adopted) => adopted.stored(requestId))) own.push(requestId);
    }
    this.log.stored(own);
  }

  /** From now on what dead processes left is offered; false: there is no room for it yet. */
  replayTo(offer: (event: UsageRecordedV1) => boolean): void {
    this.offer = offer;
    this.look();
  }

  /** What is not stored stays for the next process. Harmless when called again. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    for (const adopted of this.adopted) adopted.stop();
    await this.looking;
    await this.removeSettled();
    await this.log.close();
  }

  private judged(spooled: boolean): boolean {
    if (spooled) return true;
    this.counts.refused.inc();
    if (!this.refusing) {
      const facts = { bytes: this.bytes, most: this.options.bytesMax };
      this.options.log.error(facts, 'the spool is full or cannot be written: usage is in memory only');
    }
    this.refusing = true;
    return false;
  }

  /** Not as soon as one record fits again: at the bound that would be a line for every segment. */
  private toldAgain(): void {
    if (!this.refusing || this.bytes > this.options.bytesMax / 2) return;
    this.refusing = false;
    this.options.log.info({ bytes: this.bytes }, 'the spool has room again');
  }

  private look(): void {
    const { log, adoptIntervalMs = ADOPT_INTERVAL_MS } = this.options;
    this.looking = this.adoptAndReplay()
      .catch((error: unknown) => log.error({ err: error }, 'what dead processes left cannot be read'))
      .finally(() => {
        this.looking = undefined;
        this.firstLookOver();
        if (this.closed) return;
        this.timer = setTimeout(() => this.look(), adoptIntervalMs);
        this.timer.unref();
      });
  }

  private async adoptAndReplay(): Promise<void> {
    const { dir, log } = this.options;
    this.toldAgain();
    await this.removeSettled();
    await this.offerLeft();
    for (const folder of await adoptAbandoned(dir, this.owner)) {
      const adopted = new AdoptedSpool({
        ...{ folder, log, counts: this.counts },
        offer: (event) => this.offer?.(event) ?? false,
      });
      this.adopted.push(adopted);
      if (this.closed) adopted.stop();
      // It is this process' own by now, and the others are not to stay behind with it.
      await adopted.replay().catch((error: unknown) => log.error({ err: error, folder }, 'a spool cannot be read'));
    }
  }

  private async removeSettled(): Promise<void> {
    for (const adopted of this.adopted.filter(({ isSettled }) => isSettled)) {
      await adopted.remove();
      this.adopted = this.adopted.filter((other) => other !== adopted);
    }
  }

  private async offerLeft(): Promise<void> {
    while (this.leftCount > 0 && !this.closed) {
      const payloads = await this.log.takeLeft(LEFT_AT_ONCE);
      if (payloads.length === 0) this.leftCount = 0;
      let refused = 0;
      for (const payload of payloads) {
        const event = JSON.parse(payload.toString('utf8')) as UsageRecordedV1;
        this.leftCount--;
        if (this.offer?.(event) === true) continue;
        this.leave(event);
        refused++;
      }
      if (refused > 0) return;
    }
  }
}
