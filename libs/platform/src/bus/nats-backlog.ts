import type { Backlog } from '@switchboard/contracts';
import type { StoredMsg } from 'nats';
import { isConsumerMissing, isMessageMissing } from './nats-faults';
import type { NatsSession, StreamShape } from './nats-session';

type Manager = NatsSession['manager'];

const NOTHING_OUT = { unacknowledged: 0, redelivered: 0 };

/** What has left the stream, unread, by age or by hand counts as acknowledged once nothing else is outstanding. */
export async function backlogOf({ manager }: NatsSession, { name }: StreamShape, durable: string): Promise<Backlog> {
  // The stream is asked first: what is stored between the two answers must never pass for acknowledged.
  const { state } = await manager.streams.info(name);
  const consumer = await manager.consumers.info(name, durable).catch((error: unknown) => {
    if (!isConsumerMissing(error)) throw error;
    return undefined;
  });
  if (consumer === undefined) {
    const acknowledgedSequence = state.messages === 0 ? state.last_seq : 0;
    return { pending: state.messages, ...NOTHING_OUT, lastSequence: state.last_seq, acknowledgedSequence };
  }
  const { num_pending: pending, num_ack_pending: unacknowledged, num_redelivered: redelivered } = consumer;
  const { ack_floor: floor } = consumer;
  const lastSequence = Math.max(state.last_seq, floor.stream_seq);
  const idle = pending === 0 && unacknowledged === 0;
  const acknowledgedSequence =
    idle && floor.stream_seq < lastSequence
      ? ((await nextAfter(manager, name, floor.stream_seq))?.seq ?? lastSequence + 1) - 1
      : floor.stream_seq;
  return { pending, unacknowledged, redelivered, lastSequence, acknowledgedSequence };
}

export async function waitingSince(
  session: NatsSession,
  shape: StreamShape,
  durable: string,
): Promise<number | undefined> {
  const { lastSequence, acknowledgedSequence } = await backlogOf(session, shape, durable);
  if (acknowledgedSequence >= lastSequence) return undefined;
  return (await nextAfter(session.manager, shape.name, acknowledgedSequence))?.time.getTime();
}

/**
 * The first message there is behind `sequence`; undefined: there is none. The stream's own word: in a cluster the
 * consumer lives on another server, which may not have heard of the latest messages when it says that nothing is pending.
 */
async function nextAfter(manager: Manager, stream: string, sequence: number): Promise<StoredMsg | undefined> {
  const next = { seq: sequence + 1, next_by_subj: '>' };
  try {
    return await manager.streams.getMessage(stream, next);
  } catch (error) {
    if (isMessageMissing(error)) return undefined;
    throw error;
  }
}
