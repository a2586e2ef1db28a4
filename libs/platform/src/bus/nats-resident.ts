import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logging/logger';
import type { NatsLink } from './nats-link';
import type { NatsSession } from './nats-session';

const RETRY_MS = { first: 250, most: 5_000 };

export interface Resident {
  link: NatsLink;
  stopping: AbortSignal;
  log: Logger;
  /** For the log: `reading the stream X`. */
  doing: string;
  /** Works in one session until it ends or `stopping`; calls `working` when it got to work. */
  attempt(session: NatsSession, working: () => void): Promise<void>;
}

/** Does the same in every session, and again after a fault, until stopped. Resolves then. */
export async function reside({ link, stopping, log, doing, attempt }: Resident): Promise<void> {
  let waiting = false;
  let pauseMs = RETRY_MS.first;
  const working = (): void => {
    if (waiting) log.info(`${doing}: works again`);
    waiting = false;
    pauseMs = RETRY_MS.first;
  };
  for (let session = await link.next(stopping); session !== undefined; session = await link.next(stopping)) {
    try {
      await attempt(session, working);
    } catch (error) {
      // The end of a session is the link's to tell.
      if (session.closed || stopping.aborted) continue;
      if (!waiting) log.warn({ err: error }, `${doing}: failed; trying again until it works`);
      waiting = true;
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal: stopping }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS.most);
    }
  }
}
