import { createInbox, type Msg, nanos, type Subscription } from 'nats';
import { drained } from './nats-requests';
import type { NatsSession } from './nats-session';

/** How often the server says, during a long pull, that it has nothing; unheard three times, the consumer is lost. */
const HEARTBEAT_MS = 2_000;
/**
 * Past its end a pull is over for us too. Servers before 2.10 drop one without a word where it expires in the moment a
 * message comes; under a steady trickle that was once in some seconds.
 */
const GRACE_MS = 100;

const BRIEF_MS = 1_000;

const SILENT = 'the consumer does not answer';

/** No messages: the pull ended without more. */
const ENDED = new Set([404, 408]);

interface Pull {
  number: number;
  missing: number;
  heard(): void;
  end(fault?: Error): void;
}

/**
 * Fetches from one durable consumer within one session. Each pull is waited out: until its end the server hands messages
 * to it. What comes later than that is kept for the next.
 */
export class NatsPuller {
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private readonly arrived: Msg[] = [];
  private current: Pull | undefined;
  private pulls = 0;

  constructor(
    private readonly session: NatsSession,
    private readonly consumer: { stream: string; durable: string },
  ) {
    this.subscription = session.connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => (error === null ? this.receive(message) : this.current?.end(error)),
    });
    void session.connection.closed().then(() => this.current?.end(new Error('the connection ended')));
  }

  /**
   * Resolves with up to `count` messages: when there are as many, after `waitMs`, or once `stopping`. A brief wait is waited
   * out all the same: what the server hands to a pull that nobody waits for any more is lost to all for half a minute.
   */
  async pull(count: number, waitMs: number, stopping: AbortSignal): Promise<Msg[]> {
    await this.wait(count - this.arrived.length, waitMs, stopping);
    return this.arrived.splice(0, count);
  }

  /** @returns what had arrived, or was on its way here, and was not taken. */
  async stop(): Promise<Msg[]> {
    await drained(this.session, this.subscription);
    return this.arrived.splice(0);
  }

  private async wait(missing: number, waitMs: number, stopping: AbortSignal): Promise<void> {
    if (missing <= 0 || stopping.aborted) return;
    await new Promise<void>((resolve, reject) => {
      const end = (fault?: Error): void => {
        this.current = undefined;
        clearTimeout(over);
        clearTimeout(silence);
        stopping.removeEventListener('abort', onStop);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const onStop = (): void => end();
      const over = setTimeout(() => end(), waitMs + GRACE_MS);
      const silence = hasHeartbeats(waitMs) ? setTimeout(() => end(new Error(SILENT)), 3 * HEARTBEAT_MS) : undefined;
      if (waitMs > BRIEF_MS) stopping.addEventListener('abort', onStop);
      this.current = { number: ++this.pulls, missing, end, heard: () => void silence?.refresh() };
      this.send(missing, waitMs);
    });
  }

  private send(batch: number, waitMs: number): void {
    const { stream, durable } = this.consumer;
    const terms = {
      batch,
      ...(waitMs > 0 ? { expires: nanos(waitMs) } : { no_wait: true }),
      ...(hasHeartbeats(waitMs) && { idle_heartbeat: nanos(HEARTBEAT_MS) }),
    };
    const reply = `${this.inbox}.${this.pulls}`;
    try {
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
      this.session.connection.publish(subject, JSON.stringify(terms), { reply });
    } catch (error) {
      this.current?.end(error as Error);
    }
  }

  private receive(message: Msg): void {
    const { current } = this;
    current?.heard();
    if (message.headers === undefined || message.headers.code === 0 || message.data.length > 0) {
      this.arrived.push(message);
      if (current !== undefined && --current.missing === 0) current.end();
      return;
    }
    // A status: of an earlier pull it is old news.
    if (current === undefined || message.subject !== `${this.inbox}.${current.number}`) return;
    const { code, description } = message.headers;
    if (code === 100) return;
    current.end(ENDED.has(code) ? undefined : new Error(`the consumer ended the pull: ${code} ${description}`));
  }
}

/** The server refuses heartbeats that come less than twice. */
function hasHeartbeats(waitMs: number): boolean {
  return waitMs > 2 * HEARTBEAT_MS;
}
