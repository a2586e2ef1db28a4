import type { StreamDefinition, StreamMessage, Subscription } from '@switchboard/contracts';
import { AckPolicy, DeliverPolicy, DiscardPolicy, type Msg, nanos, RetentionPolicy } from 'nats';
import type { Logger } from '../logging/logger';
import type { BatchHandler } from './local-stream';
import { parseDelivery } from './nats-delivery';
import { flushed, type NatsLink } from './nats-link';
import { NatsPuller } from './nats-pull';
import { reside } from './nats-resident';
import type { NatsSession, StreamShape } from './nats-session';
import { redeliveryPauseMs } from './redelivery';

/** Unless it hears of work in progress, the server hands a message out again after this long. */
const ACK_WAIT_MS = 30_000;
/** Of that time: two words of progress may be lost. */
const PROGRESS_SHARE = 3;
/** An idle consumer asks this often. */
const IDLE_PULL_MS = 20_000;
/** What may be handed out and unacknowledged, batches that wait for their next time included. */
const UNACKNOWLEDGED_MAX = 10_000;

export interface Consuming {
  link: NatsLink;
  shape: StreamShape;
  durable: string;
  batch: { sizeMax: number; waitMs: number };
  handler: BatchHandler;
  log: Logger;
  ackWaitMs?: number | undefined;
}

export function streamShape({ name, subject, maxAgeMs, dedupeWindowMs, queue }: StreamDefinition): StreamShape {
  // The server refuses a window that is longer than messages live.
  const window = nanos(Math.min(dedupeWindowMs, maxAgeMs));
  const shape = { name, subjects: [subject], max_age: nanos(maxAgeMs), duplicate_window: window };
  if (queue === undefined) return shape;
  return { ...shape, retention: RetentionPolicy.Workqueue, discard: DiscardPolicy.New, max_bytes: queue.bytesMax };
}

/** Reads a stream, in every session, one batch at a time. */
export function consume(consuming: Consuming): Subscription {
  const stopping = new AbortController();
  const { link, shape, durable } = consuming;
  const log = consuming.log.child({ stream: shape.name, durable });
  const ended = reside({
    link,
    stopping: stopping.signal,
    log,
    doing: `reading the stream ${shape.name} as ${durable}`,
    attempt: (session, working) => readSession({ ...consuming, log }, session, stopping.signal, working),
  });
  return {
    stop: () => {
      stopping.abort();
      return ended;
    },
  };
}

async function readSession(
  consuming: Consuming,
  session: NatsSession,
  stopping: AbortSignal,
  working: () => void,
): Promise<void> {
  const { shape, durable, batch, ackWaitMs = ACK_WAIT_MS } = consuming;
  await session.refresh(shape);
  await session.manager.consumers.add(shape.name, {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ackWaitMs),
    max_ack_pending: UNACKNOWLEDGED_MAX,
    max_deliver: -1,
  });
  const puller = new NatsPuller(session, { stream: shape.name, durable });
  working();
  try {
    while (!stopping.aborted && !session.closed) {
      const messages = await puller.pull(1, IDLE_PULL_MS, stopping);
      if (messages.length === 0) continue;
      try {
        messages.push(...(await puller.pull(batch.sizeMax - 1, batch.waitMs, stopping)));
      } finally {
        // What was handed out is dealt with, whatever became of the rest of its batch.
        if (stopping.aborted) giveBack(messages, session);
        else await handOver(messages, consuming, session);
      }
    }
  } finally {
    giveBack(await puller.stop(), session);
    if (!session.closed) await flushed(session);
  }
}

/** Others may have these at once. */
function giveBack(messages: Msg[], session: NatsSession): void {
  for (const message of messages) respond(session, message, '-NAK');
}

async function handOver(
  messages: Msg[],
  { handler, log, ackWaitMs = ACK_WAIT_MS }: Consuming,
  session: NatsSession,
): Promise<void> {
  const given = messages.map(toStreamMessage);
  const progress = setInterval(() => {
    for (const message of messages) respond(session, message, '+WPI');
  }, ackWaitMs / PROGRESS_SHARE);
  try {
    await handler(given);
    for (const message of messages) respond(session, message, '+ACK');
  } catch (error) {
    const deliveries = Math.max(...given.map((message) => message.deliveries));
    log.warn({ err: error, messages: messages.length, deliveries }, 'a batch failed; it comes again');
    messages.forEach((message, index) => {
      const delay = nanos(redeliveryPauseMs(given[index]?.deliveries ?? 1));
      respond(session, message, `-NAK ${JSON.stringify({ delay })}`);
    });
  } finally {
    clearInterval(progress);
  }
}

function toStreamMessage(message: Msg): StreamMessage {
  const { sequence, deliveries } = parseDelivery(message.reply) ?? { sequence: 0, deliveries: 1 };
  return { payload: message.data, sequence, deliveries };
}

/** After the end of its session a message comes again by itself: nobody could be told anything. */
function respond(session: NatsSession, message: Msg, verdict: string): void {
  if (!session.closed) message.respond(new TextEncoder().encode(verdict));
}
