import { setTimeout as delay } from 'node:timers/promises';
import type { RunningStack, StackProcess } from '../stack';
import type { KillRound, Victim } from './kill-plan';

export interface Kill {
  label: string;
  kind: string;
  /** Milliseconds since the epoch. */
  atMs: number;
  /** When it was ready again; absent: not within the limit. */
  backAtMs?: number;
}

const BACK_LIMIT_MS = 60_000;
const POLL_MS = 50;

/** Kills round after round, each when those of the last one are back. */
export class Killer {
  readonly kills: Kill[] = [];
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    private readonly stack: RunningStack,
    rounds: Iterable<KillRound>,
    private readonly say: (line: string) => void,
  ) {
    this.running = this.run(rounds);
    // Told to who stops it.
    this.running.catch(() => undefined);
  }

  /** Kills nobody any more. Resolves when those killed last are back, or have not come back in time. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(rounds: Iterable<KillRound>): Promise<void> {
    for (const { victims, gapMs, pauseMs } of rounds) {
      await this.wait(pauseMs);
      if (this.stopping.signal.aborted) return;
      const kills: { kill: Kill; victim: Victim; pid: number }[] = [];
      for (const victim of victims) {
        if (kills.length > 0) await delay(gapMs);
        kills.push(await this.kill(victim));
      }
      await Promise.all(kills.map((each) => this.untilBack(each)));
    }
  }

  private async kill(victim: Victim): Promise<{ kill: Kill; victim: Victim; pid: number }> {
    const { label, kind } = victim;
    const { pid } = await this.untilThere(victim);
    const kill: Kill = { label, kind, atMs: Date.now() };
    await this.stack.control('kill', label, 'SIGKILL');
    this.kills.push(kill);
    this.say(`killed ${label} (pid ${pid})`);
    return { kill, victim, pid };
  }

  /** The process of the victim that is to be killed. A pair may find one that another's death has taken along. */
  private async untilThere(victim: Victim): Promise<StackProcess> {
    const deadline = Date.now() + BACK_LIMIT_MS;
    for (;;) {
      const found = this.processOf(victim);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`${victim.label} does not run`);
      await delay(POLL_MS);
    }
  }

  private async untilBack({ kill, victim, pid }: { kill: Kill; victim: Victim; pid: number }): Promise<void> {
    const deadline = Date.now() + BACK_LIMIT_MS;
    while (Date.now() < deadline) {
      const found = this.processOf(victim);
      if (found !== undefined && found.pid !== pid && found.status === 'ready') {
        kill.backAtMs = Date.now();
        this.say(`       ${kill.label} is back after ${kill.backAtMs - kill.atMs} ms`);
        return;
      }
      await delay(POLL_MS);
    }
    this.say(`       ${kill.label} is NOT back after ${BACK_LIMIT_MS} ms`);
  }

  private processOf({ kind, replica }: Victim): StackProcess | undefined {
    return this.stack
      .processes()
      .find((each) => each.name === kind && each.replica === replica && each.status !== 'draining');
  }

  private async wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
