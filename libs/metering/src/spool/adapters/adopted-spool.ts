import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { UsageRecordedV1 } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { type Frame, readFrames } from '../core/frames';
import { orphanedUsage } from '../core/orphaned-usage';
import { Unsettled } from '../core/unsettled';

export interface AdoptedSpoolOptions {
  /** Of a dead process, and named after this one by now. */
  folder: string;
  log: Logger;
  /** Takes usage on its way to be stored; false: not now. */
  offer: (event: UsageRecordedV1) => boolean;
  counts: Record<'replayed' | 'orphans' | 'torn', { inc(): void }>;
}

/** Records read in one turn of the event loop: about a millisecond. */
const TURN_RECORDS = 100;
const NO_ROOM_PAUSE_MS = 50;

/** What a dead process left: read again, told again, and removed once all of it is stored. */
export class AdoptedSpool {
  /** Of the files. */
  bytes = 0;
  private readonly waiting = new Set<string>();
  private stopped = false;
  private told = false;

  constructor(private readonly options: AdoptedSpoolOptions) {}

  /** Records told and not stored yet. */
  get open(): number {
    return this.waiting.size;
  }

  /** Tells all there is. Resolves when that is done, or was stopped; what is not stored then stays for the next process. */
  async replay(): Promise<void> {
    const { counts, log, folder } = this.options;
    const unsettled = new Unsettled();
    const files = await this.files();
    for (const file of files) {
      const { size, torn } = await this.read(file, (frame) => unsettled.add(frame));
      this.bytes += size;
      if (torn === 0) continue;
      counts.torn.inc();
      log.warn({ file, bytes: torn }, 'a spool ends in a torn record; what came before it is read');
    }
    const facts = { folder, usage: unsettled.usage.size, orphans: unsettled.intents.size };
    if (facts.usage + facts.orphans > 0) log.warn(facts, 'usage of a process that died is published');
    for (const file of unsettled.usage.size > 0 ? files : []) {
      await this.read(file, async (frame) => {
        const event = unsettled.take(frame);
        if (event !== undefined && (await this.tell(event))) counts.replayed.inc();
      });
    }
    for (const intent of unsettled.intents.values()) {
      if (await this.tell(orphanedUsage(intent, Date.now()))) counts.orphans.inc();
    }
    this.told = !this.stopped;
  }

  /** Whether it was one of these. */
  stored(requestId: string): boolean {
    return this.waiting.delete(requestId);
  }

  get isSettled(): boolean {
    return this.told && this.waiting.size === 0;
  }

  async remove(): Promise<void> {
    await rm(this.options.folder, { recursive: true, force: true });
  }

  stop(): void {
    this.stopped = true;
  }

  private async files(): Promise<string[]> {
    const names = await readdir(this.options.folder);
    return names
      .filter((name) => name.endsWith('.spool'))
      .sort()
      .map((name) => path.join(this.options.folder, name));
  }

  private async read(
    file: string,
    visit: (frame: Frame) => void | Promise<void>,
  ): Promise<{ size: number; torn: number }> {
    const bytes = await readFile(file);
    const { frames, wholeBytes } = readFrames(bytes);
    for (const [index, frame] of frames.entries()) {
      if (this.stopped) break;
      if (index % TURN_RECORDS === TURN_RECORDS - 1) await nextTurn();
      const visited = visit(frame);
      if (visited !== undefined) await visited;
    }
    return { size: (await stat(file)).size, torn: bytes.length - wholeBytes };
  }

  /** Waits for room. False: stopped. */
  private async tell(event: UsageRecordedV1): Promise<boolean> {
    // Before it is offered: nobody says when it is stored, and it may be at once.
    this.waiting.add(event.requestId);
    while (!this.stopped) {
      if (this.options.offer(event)) return true;
      await delay(NO_ROOM_PAUSE_MS);
    }
    return false;
  }
}
