import { type Bytes, BusUnavailableError, RemoteError, type Subscription } from '@switchboard/contracts';
import { ErrorCode, headers, type Msg, NatsError, type Subscription as NatsSubscription } from 'nats';
import type { Logger } from '../logging/logger';
import { HandlerFailures } from './handler-failures';
import { InHand } from './in-hand';
import { unavailable } from './nats-faults';
import { flushed, type NatsLink } from './nats-link';
import type { NatsSession } from './nats-session';

/** Its presence on a reply says that the handler failed; the payload is its words. */
const FAILED_HEADER = 'Switchboard-Failed';

export async function request(link: NatsLink, subject: string, payload: Bytes, timeoutMs: number): Promise<Bytes> {
  const { connection } = link.require();
  const reply = await connection.request(subject, payload, { timeout: timeoutMs }).catch((error: unknown) => {
    throw unanswered(subject, timeoutMs, error);
  });
  if (reply.headers?.has(FAILED_HEADER) === true) throw new RemoteError(new TextDecoder().decode(reply.data));
  return reply.data;
}

function unanswered(subject: string, timeoutMs: number, error: unknown): Error {
  const code = error instanceof NatsError ? error.code : undefined;
  if (code === ErrorCode.NoResponders) return new BusUnavailableError(`nobody serves ${subject}`, { cause: error });
  if (code !== ErrorCode.Timeout) return unavailable(`asking on ${subject}`, error);
  return new BusUnavailableError(`no answer on ${subject} within ${timeoutMs} ms`, { cause: error });
}

export interface Serving {
  link: NatsLink;
  subject: string;
  group: string;
  handler: (payload: Bytes) => Promise<Bytes>;
  log: Logger;
}

/** Answers requests in every session; `stop` answers those that were on their way to us. */
export function serve({ link, subject, group, handler, log }: Serving): Subscription {
  const inHand = new InHand();
  const failures = new HandlerFailures(log, subject);
  let current: { session: NatsSession; subscription: NatsSubscription } | undefined;

  const answer = async (session: NatsSession, message: Msg): Promise<void> => {
    try {
      const reply = await handler(message.data);
      if (!session.closed) message.respond(reply);
    } catch (error) {
      failures.report(error);
      const failed = headers();
      failed.set(FAILED_HEADER, '1');
      const words = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
      if (!session.closed) message.respond(words, { headers: failed });
    }
  };
  const off = link.onSession((session) => {
    const callback = (error: Error | null, message: Msg): void => {
      if (error !== null) log.error({ err: error, subject }, 'the bus refuses to let us serve');
      else inHand.run(() => answer(session, message));
    };
    current = { session, subscription: session.connection.subscribe(subject, { queue: group, callback }) };
  });
  return {
    stop: async () => {
      off();
      // Resolves after the last request that the server had already routed here.
      if (current !== undefined) await drained(current.session, current.subscription);
      await inHand.ended();
      if (current !== undefined) await flushed(current.session);
    },
  };
}

export interface Listening {
  link: NatsLink;
  subject: string;
  handler: (payload: Bytes) => void;
  log: Logger;
}

export function listen({ link, subject, handler, log }: Listening): Subscription {
  let stopped = false;
  let current: NatsSubscription | undefined;
  const callback = (error: Error | null, message: Msg): void => {
    if (error !== null) return log.error({ err: error, subject }, 'the bus refuses to let us listen');
    if (stopped) return;
    try {
      handler(message.data);
    } catch (fault) {
      log.error({ err: fault, subject }, 'a listener failed; it goes on with the next message');
    }
  };
  const off = link.onSession(({ connection }) => (current = connection.subscribe(subject, { callback })));
  return {
    stop: () => {
      stopped = true;
      off();
      current?.unsubscribe();
      return Promise.resolve();
    },
  };
}

/** Ends a subscription after what the server had already sent to it. */
export async function drained(session: NatsSession, subscription: NatsSubscription): Promise<void> {
  if (session.closed || subscription.isClosed()) return;
  try {
    await subscription.drain();
  } catch (error) {
    if (!session.closed) throw error;
  }
}
