import type { BucketEntry } from '@switchboard/contracts';
import { AckPolicy, createInbox, deferred, DeliverPolicy, type Msg, nanos } from 'nats';
import { parseDelivery } from './nats-delivery';
import type { NatsSession } from './nats-session';

/** How often the server says that it has nothing to say; three in a row unheard, and the reader is lost. */
const HEARTBEAT_MS = 3_000;
const SILENCE_MS_MAX = 3 * HEARTBEAT_MS;

export interface BucketReading {
  /** Name of the stream behind the bucket, and what its subjects begin with. */
  stream: string;
  prefix: string;
  /** First revision to tell; absent: the latest of every key, then what follows. */
  fromRevision?: number;
  /** Entries come without their values, deletions still as deletions. */
  keysOnly?: boolean;
  onEntry(entry: BucketEntry, deleted: boolean): void;
  /** Once, when what there was has been told. */
  onCurrent(): void;
}

/**
 * Reads a bucket within one session until `stopping`.
 *
 * @throws when the session ends, when something was missed, or when the server falls silent: start over then.
 */
export async function readBucket(session: NatsSession, reading: BucketReading, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return;
  const inbox = createInbox();
  const progress = new Progress(reading);
  const end = deferred<undefined>();
  // It may fail before anyone waits for it.
  end.catch(() => undefined);
  const onStop = (): void => end.resolve(undefined);
  stopping.addEventListener('abort', onStop);
  const silence = setTimeout(() => end.reject(new Error('the bus fell silent')), SILENCE_MS_MAX);
  const subscription = session.connection.subscribe(inbox, {
    callback: (error, message) => {
      if (stopping.aborted) return;
      try {
        if (error !== null) throw error;
        silence.refresh();
        progress.receive(message, (subject) => session.connection.publish(subject));
      } catch (fault) {
        end.reject(fault as Error);
      }
    },
  });
  void subscription.closed.then(() => end.reject(new Error('the connection ended')));
  try {
    progress.expect(await createConsumer(session, reading, inbox));
    await end;
  } finally {
    clearTimeout(silence);
    stopping.removeEventListener('abort', onStop);
    subscription.unsubscribe();
  }
}

/** @returns how many entries there were to tell when it began. */
async function createConsumer(session: NatsSession, reading: BucketReading, inbox: string): Promise<number> {
  const { num_pending, delivered } = await session.manager.consumers.add(reading.stream, {
    ...from(reading),
    // The latest of each subject is only told of subjects that are named.
    filter_subject: `${reading.prefix}>`,
    deliver_subject: inbox,
    ack_policy: AckPolicy.None,
    max_deliver: 1,
    flow_control: true,
    idle_heartbeat: nanos(HEARTBEAT_MS),
    headers_only: reading.keysOnly === true,
    mem_storage: true,
    num_replicas: 1,
  });
  return num_pending + delivered.consumer_seq;
}

function from({ fromRevision }: BucketReading): { deliver_policy: DeliverPolicy; opt_start_seq?: number } {
  if (fromRevision === undefined) return { deliver_policy: DeliverPolicy.LastPerSubject };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: fromRevision };
}

/** How far one reading has come. */
class Progress {
  private told = 0;
  private current = false;

  constructor(private readonly reading: BucketReading) {}

  /** `count`: how many entries there were to tell at the start. */
  expect(count: number): void {
    if (this.told >= count) this.reachCurrent();
  }

  receive(message: Msg, answer: (subject: string) => void): void {
    const delivery = parseDelivery(message.reply);
    if (delivery === undefined) return this.receiveStatus(message, answer);
    if (delivery.consumerSequence !== this.told + 1) throw new Error('entries were missed');
    this.told = delivery.consumerSequence;
    const deleted = ['DEL', 'PURGE'].includes(message.headers?.get('KV-Operation') ?? '');
    const key = message.subject.slice(this.reading.prefix.length);
    const withValue = !deleted && this.reading.keysOnly !== true;
    const entry = { key, revision: delivery.sequence, ...(withValue && { value: message.data }) };
    this.reading.onEntry(entry, deleted);
    if (delivery.pending === 0) this.reachCurrent();
  }

  private receiveStatus(message: Msg, answer: (subject: string) => void): void {
    const { headers } = message;
    if (headers === undefined) return;
    if (headers.code !== 100) throw new Error(`the bus ended the reading: ${headers.code} ${headers.description}`);
    // Flow control: the server goes on when it hears that we have come this far.
    if (message.reply !== undefined && message.reply !== '') return answer(message.reply);
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (stalled !== '') return answer(stalled);
    const last = Number(headers.get('Nats-Last-Consumer'));
    if (last > this.told) throw new Error('entries were missed');
    // It only says that it has nothing to say when it has told everything.
    if (last === this.told) this.reachCurrent();
  }

  private reachCurrent(): void {
    if (this.current) return;
    this.current = true;
    this.reading.onCurrent();
  }
}
