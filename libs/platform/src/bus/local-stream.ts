import {
  type Backlog,
  BusUnavailableError,
  type Bytes,
  type StreamDefinition,
  type StreamMessage,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import { redeliveryPauseMs } from './redelivery';

interface Stored {
  sequence: number;
  payload: Bytes;
  storedAtMs: number;
}

interface Outstanding {
  message: Stored;
  deliveries: number;
  /** When it is to be handed out again; absent: a consumer has it in hand. */
  dueAtMs?: number;
}

export type BatchHandler = (messages: StreamMessage[]) => Promise<void>;

/**
 * A stream in memory. A message is let go when every durable there is has acknowledged it, or at its age limit: a durable
 * that comes later starts with what is still held.
 */
export class LocalStream {
  private readonly messages = new Map<number, Stored>();
  private readonly durables = new Map<string, Durable>();
  /** Dedupe id → when its window ends, the oldest first. */
  private readonly seen = new Map<string, number>();
  private lastSequence = 0;

  constructor(
    private readonly definition: StreamDefinition,
    private readonly log: Logger,
  ) {}

  append(payload: Bytes, dedupeId: string): void {
    const now = performance.now();
    this.expire(now);
    if (this.seen.has(dedupeId)) return;
    const { name, queue } = this.definition;
    if (queue !== undefined && this.bytesHeld() + payload.byteLength > queue.bytesMax) {
      throw new BusUnavailableError(`the stream ${name} is full`);
    }
    this.seen.set(dedupeId, now + this.definition.dedupeWindowMs);
    const sequence = ++this.lastSequence;
    this.messages.set(sequence, { sequence, payload: Uint8Array.from(payload), storedAtMs: now });
    for (const durable of this.durables.values()) durable.wake();
  }

  consume(name: string, batch: { sizeMax: number; waitMs: number }, handler: BatchHandler): Subscription {
    const durable = this.durable(name);
    const stopping = new AbortController();
    const log = this.log.child({ stream: this.definition.name, durable: name });
    const ended = runConsumer({ durable, batch, handler, stopping: stopping.signal, log });
    return {
      stop: () => {
        stopping.abort();
        durable.wake();
        return ended;
      },
    };
  }

  backlog(name: string): Backlog {
    this.expire(performance.now());
    const durable = this.durables.get(name);
    if (durable !== undefined) return durable.backlog();
    const { lastSequence } = this;
    const pending = this.messages.size;
    const acknowledgedSequence = pending === 0 ? lastSequence : 0;
    return { pending, unacknowledged: 0, redelivered: 0, lastSequence, acknowledgedSequence };
  }

  waitingSince(name: string): number | undefined {
    const { acknowledgedSequence } = this.backlog(name);
    for (const { sequence, storedAtMs } of this.messages.values()) {
      if (sequence > acknowledgedSequence) return Date.now() - (performance.now() - storedAtMs);
    }
    return undefined;
  }

  private bytesHeld(): number {
    let bytes = 0;
    for (const { payload } of this.messages.values()) bytes += payload.byteLength;
    return bytes;
  }

  private durable(name: string): Durable {
    const known = this.durables.get(name);
    if (known !== undefined) return known;
    const source = {
      lastSequence: () => this.lastSequence,
      find: (sequence: number) => this.messages.get(sequence),
      acknowledged: (sequence: number) => {
        for (const each of this.durables.values()) if (!each.isDone(sequence)) return;
        this.messages.delete(sequence);
      },
    };
    const durable = new Durable(source);
    this.durables.set(name, durable);
    return durable;
  }

  private expire(now: number): void {
    for (const [id, endsAtMs] of this.seen) {
      if (endsAtMs > now) break;
      this.seen.delete(id);
    }
    for (const { sequence, storedAtMs } of this.messages.values()) {
      if (storedAtMs + this.definition.maxAgeMs > now) break;
      this.messages.delete(sequence);
    }
  }
}

interface Source {
  lastSequence(): number;
  find(sequence: number): Stored | undefined;
  acknowledged(sequence: number): void;
}

/** How far those who share one name have come. */
class Durable {
  private nextSequence = 1;
  private readonly outstanding = new Map<number, Outstanding>();
  private readonly sleepers = new Set<() => void>();

  constructor(private readonly source: Source) {}

  isDone(sequence: number): boolean {
    return sequence < this.nextSequence && !this.outstanding.has(sequence);
  }

  backlog(): Backlog {
    const lastSequence = this.source.lastSequence();
    let pending = 0;
    let firstOpen = Math.min(lastSequence + 1, ...this.outstanding.keys());
    for (let sequence = this.nextSequence; sequence <= lastSequence; sequence++) {
      if (this.source.find(sequence) === undefined) continue;
      pending++;
      firstOpen = Math.min(firstOpen, sequence);
    }
    const out = [...this.outstanding.values()];
    const redelivered = out.filter(({ deliveries }) => deliveries > 1).length;
    return { pending, unacknowledged: out.length, redelivered, lastSequence, acknowledgedSequence: firstOpen - 1 };
  }

  /** What could be handed out at `now`, as far as it matters to a batch of `sizeMax`. */
  ready(sizeMax: number, now: number): number {
    const fresh = this.source.lastSequence() - this.nextSequence + 1;
    return fresh >= sizeMax ? sizeMax : Math.min(fresh + this.due(now).length, sizeMax);
  }

  take(sizeMax: number): Outstanding[] {
    this.dropAged();
    const taken = this.due(performance.now()).slice(0, sizeMax);
    while (taken.length < sizeMax && this.nextSequence <= this.source.lastSequence()) {
      const message = this.source.find(this.nextSequence++);
      if (message !== undefined) taken.push({ message, deliveries: 0 });
    }
    for (const one of taken) {
      one.deliveries++;
      delete one.dueAtMs;
      this.outstanding.set(one.message.sequence, one);
    }
    return taken;
  }

  acknowledge(taken: Outstanding[]): void {
    for (const { message } of taken) {
      this.outstanding.delete(message.sequence);
      this.source.acknowledged(message.sequence);
    }
  }

  giveBack(taken: Outstanding[]): void {
    const now = performance.now();
    for (const one of taken) one.dueAtMs = now + redeliveryPauseMs(one.deliveries);
    this.wake();
  }

  wake(): void {
    for (const sleeper of this.sleepers) sleeper();
  }

  /**
   * Until something changes here, something falls due that was not at `lookedAtMs`, or it is `endsAtMs`. What falls due
   * between that look and this call counts: a clock read here would pass it over, and nothing else would wake the sleeper.
   */
  async sleep(lookedAtMs: number, endsAtMs: number): Promise<void> {
    const dues = [...this.outstanding.values()].map(({ dueAtMs }) => dueAtMs ?? Infinity);
    const pauseMs = Math.min(endsAtMs, ...dues.filter((dueAtMs) => dueAtMs > lookedAtMs)) - lookedAtMs;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve();
      };
      const timer = pauseMs === Infinity ? undefined : setTimeout(wake, Math.ceil(pauseMs));
      this.sleepers.add(wake);
    });
  }

  /** What its stream has let go by age is not handed out again. */
  private dropAged(): void {
    for (const [sequence, { dueAtMs }] of this.outstanding) {
      if (dueAtMs !== undefined && this.source.find(sequence) === undefined) this.outstanding.delete(sequence);
    }
  }

  private due(now: number): Outstanding[] {
    const due = [...this.outstanding.values()].filter(({ dueAtMs }) => dueAtMs !== undefined && dueAtMs <= now);
    return due.sort((a, b) => a.message.sequence - b.message.sequence);
  }
}

interface ConsumerOptions {
  durable: Durable;
  batch: { sizeMax: number; waitMs: number };
  handler: BatchHandler;
  stopping: AbortSignal;
  log: Logger;
}

async function runConsumer({ durable, batch, handler, stopping, log }: ConsumerOptions): Promise<void> {
  // Nothing is handed over inside the call that asked for it.
  await Promise.resolve();
  while (!stopping.aborted) {
    await filled(durable, batch, stopping);
    if (stopping.aborted) return;
    const taken = durable.take(batch.sizeMax);
    if (taken.length === 0) continue;
    try {
      await handler(
        taken.map(({ message, deliveries }) => ({
          payload: Uint8Array.from(message.payload),
          sequence: message.sequence,
          deliveries,
        })),
      );
      durable.acknowledge(taken);
    } catch (error) {
      const deliveries = Math.max(...taken.map((one) => one.deliveries));
      log.warn({ err: error, messages: taken.length, deliveries }, 'a batch failed; it comes again');
      durable.giveBack(taken);
    }
  }
}

/** Resolves when a batch is full, when the first of it has waited long enough, or at the stop. */
async function filled(
  durable: Durable,
  { sizeMax, waitMs }: { sizeMax: number; waitMs: number },
  stopping: AbortSignal,
): Promise<void> {
  let now = performance.now();
  for (; !stopping.aborted && durable.ready(1, now) === 0; now = performance.now()) await durable.sleep(now, Infinity);
  const endsAtMs = now + waitMs;
  for (; !stopping.aborted && now < endsAtMs && durable.ready(sizeMax, now) < sizeMax; now = performance.now()) {
    await durable.sleep(now, endsAtMs);
  }
}
