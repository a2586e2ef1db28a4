import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, SUBJECTS } from '@switchboard/contracts';

/** What edges need to tell of all they hold, and usage to reach the stream. */
const TELLING_MS = 400;

/**
 * Asks all edges for the reservations they hold, once for each life of the store: it may have lost some, and the ledger
 * only knows calls that have ended.
 */
export class Recall {
  private readonly asked = new Map<string, Promise<void>>();

  constructor(private readonly bus: Bus) {}

  /**
   * Resolves when those who were asked had the time to tell.
   *
   * @throws Error while the bus is away: nobody would hear the question.
   */
  done(storeLife: string): Promise<void> {
    let done = this.asked.get(storeLife);
    if (done === undefined) {
      if (!this.bus.connected) return Promise.reject(new Error('the bus is away: edges cannot tell what they hold'));
      this.asked.clear();
      this.bus.publish(SUBJECTS.limiterRecall, new Uint8Array());
      done = delay(TELLING_MS);
      this.asked.set(storeLife, done);
    }
    return done;
  }
}
