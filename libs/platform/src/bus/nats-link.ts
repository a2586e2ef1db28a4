import { setTimeout as delay } from 'node:timers/promises';
import { BusUnavailableError } from '@switchboard/contracts';
import { connect, type NatsConnection } from 'nats';
import type { Logger } from '../logging/logger';
import type { NatsAddress } from './nats-address';
import { isSignInRefused } from './nats-faults';
import { NatsSession } from './nats-session';

const DIAL_TIMEOUT_MS = 5_000;
/** A server that hangs is noticed after three of these. */
const PING_INTERVAL_MS = 3_000;
const RETRY_MS = { first: 100, most: 2_000 };

export type SessionListener = (session: NatsSession) => void;

/**
 * Keeps a connection, for ever. Each is a session of its own: whatever waits for an answer in it fails at once when it
 * ends, nothing is kept back for the next, and those who serve or read set themselves up anew in each.
 */
export class NatsLink {
  private current: NatsSession | undefined;
  private readonly listeners = new Set<SessionListener>();
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;

  constructor(
    private readonly address: NatsAddress,
    private readonly options: { name: string; replicas: number },
    private readonly log: Logger,
  ) {
    this.running = this.run();
  }

  get session(): NatsSession | undefined {
    return this.current?.closed === false ? this.current : undefined;
  }

  /** @throws BusUnavailableError without a connection. */
  require(): NatsSession {
    const { session } = this;
    if (session === undefined) throw new BusUnavailableError(`no connection to NATS at ${this.address.display}`);
    return session;
  }

  /** Calls at once where there is a session, and at each new one. @returns what ends that. */
  onSession(listener: SessionListener): () => void {
    this.listeners.add(listener);
    if (this.session !== undefined) listener(this.session);
    return () => void this.listeners.delete(listener);
  }

  /** The session there is, or the next; undefined once `stopping` or the link is aborted. */
  async next(stopping: AbortSignal): Promise<NatsSession | undefined> {
    const ends = AbortSignal.any([stopping, this.closing.signal]);
    if (ends.aborted) return undefined;
    return new Promise((resolve) => {
      const settle = (session?: NatsSession): void => {
        off();
        ends.removeEventListener('abort', onAbort);
        resolve(session);
      };
      const onAbort = (): void => settle();
      let off = (): void => undefined;
      ends.addEventListener('abort', onAbort);
      off = this.onSession((session) => queueMicrotask(() => settle(session)));
    });
  }

  /** Sends what is on its way, then disconnects. */
  async close(): Promise<void> {
    this.closing.abort();
    const { session } = this;
    if (session !== undefined) {
      await flushed(session);
      await session.connection.close();
    }
    await this.running;
  }

  private async run(): Promise<void> {
    let waiting = false;
    let refused = false;
    let pauseMs = RETRY_MS.first;
    while (!this.closing.signal.aborted) {
      try {
        const connection = await this.dial();
        this.log.info(`${waiting ? 'back at' : 'connected to'} NATS at ${this.address.display}`);
        [waiting, refused, pauseMs] = [true, false, RETRY_MS.first];
        await this.live(connection);
        if (this.closing.signal.aborted) return;
        this.log.warn(`the connection ended; waiting for NATS at ${this.address.display}`);
      } catch (error) {
        if (!waiting) this.log.warn({ err: error }, `waiting for NATS at ${this.address.display}`);
        else if (!refused && isSignInRefused(error)) this.log.warn({ err: error }, 'NATS refuses the credentials');
        refused ||= isSignInRefused(error);
        waiting = true;
      }
      await this.pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS.most);
    }
  }

  private dial(): Promise<NatsConnection> {
    const { servers, tls, authenticator } = this.address;
    return connect({
      servers,
      name: this.options.name,
      timeout: DIAL_TIMEOUT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
      // The link itself connects again, with a new session.
      reconnect: false,
      noAsyncTraces: true,
      ...(tls && { tls: {} }),
      ...(authenticator && { authenticator }),
    });
  }

  /** Until the connection ends. */
  private async live(connection: NatsConnection): Promise<void> {
    if (this.closing.signal.aborted) return connection.close();
    const session = await NatsSession.open(connection, this.options.replicas);
    this.current = session;
    for (const listener of [...this.listeners]) this.tell(listener, session);
    await connection.closed();
    this.current = undefined;
  }

  private tell(listener: SessionListener, session: NatsSession): void {
    try {
      listener(session);
    } catch (error) {
      // The connection may have ended again while they were told.
      if (!session.closed) this.log.error({ err: error }, 'a listener for connections failed');
    }
  }

  /** With jitter: many processes lose the same server at once. */
  private async pause(ms: number): Promise<void> {
    await delay(ms * (0.5 + Math.random()), undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}

/** Resolves when the server has what was sent, or the session has ended. */
export async function flushed(session: NatsSession): Promise<void> {
  try {
    await session.connection.flush();
  } catch (error) {
    if (!session.closed) throw error;
  }
}
