import type { CallLog, CallLoggedV1 } from '@switchboard/contracts';
import type { Counter, Logger, Metrics } from '@switchboard/platform';
import { BatchSender } from '../batch-sender';
import { Outage } from '../outage';
import { CallBuffer } from './core/call-buffer';

const LOSS_LOG_INTERVAL_MS = 1_000;
const CALLS_MAX = 10_000;
const BYTES_MAX = 64 * 1024 * 1024;

export interface CallIntakeOptions {
  log: Logger;
  metrics: Metrics;
  /** Calls held while they cannot be kept; default 10,000. */
  callsMax?: number | undefined;
  /** Bytes they may take, about; default 64 MiB. */
  bytesMax?: number | undefined;
}

/** Where a message of calls goes, and how many at once. */
export interface CallOutlet<Message extends { calls: readonly CallLoggedV1[] }> {
  take: (buffer: CallBuffer) => Message;
  send: (message: Message) => Promise<void>;
  callsMax: number;
  intervalMs: number;
  inFlightMax: number;
}

/** A call log that keeps calls in memory until they are safe elsewhere. */
export interface BufferedCallLog extends CallLog {
  /** In memory, not yet confirmed. */
  readonly buffered: number;
  /** What failed may work now: it is tried at once. */
  wake(): void;
  /** @returns how many were not safe within `timeoutMs`. They are counted as dropped, and not written into the log: a prompt has no place there. */
  drain(timeoutMs: number): Promise<number>;
  /** Gives up what still waits: drain first. Resolves when nothing is under way. */
  close(): Promise<void>;
}

/**
 * `record` never waits. The memory is bounded, in calls and in bytes: when it is full the newest calls are dropped, counted
 * and told of once a second. Bills do not depend on it, and so it is in no spool.
 */
export class CallIntake<Message extends { calls: readonly CallLoggedV1[] }> implements BufferedCallLog {
  private readonly buffer: CallBuffer;
  private readonly sender: BatchSender<Message>;
  private readonly counts: IntakeCounts;
  private closed = false;
  private lastLossLogMs = -Infinity;

  constructor(
    private readonly options: CallIntakeOptions,
    outlet: CallOutlet<Message>,
  ) {
    const { log, metrics, callsMax = CALLS_MAX, bytesMax = BYTES_MAX } = options;
    this.buffer = new CallBuffer(callsMax, bytesMax);
    this.counts = registerCounts(metrics, () => this.buffered);
    const outage = new Outage(log, {
      lost: 'the call log cannot be kept and waits in memory',
      back: 'the call log is kept again',
    });
    this.sender = new BatchSender<Message>({
      ...{ buffer: this.buffer, itemsMax: outlet.callsMax, intervalMs: outlet.intervalMs },
      ...{ inFlightMax: outlet.inFlightMax, pauseMs: { first: 100, most: 2_000 }, send: outlet.send },
      take: () => outlet.take(this.buffer),
      sent: ({ calls }) => {
        this.buffer.confirm(calls);
        this.counts.kept.inc(calls.length);
        outage.succeeded();
      },
      failed: (error) => {
        this.counts.failures.inc();
        outage.failed(error, { waiting: this.buffered });
      },
    });
  }

  get buffered(): number {
    return this.buffer.size;
  }

  record(call: CallLoggedV1): void {
    if (!this.closed && this.buffer.offer(call)) this.sender.schedule();
    else this.drop();
  }

  wake(): void {
    this.sender.wake();
  }

  async drain(timeoutMs: number): Promise<number> {
    await this.sender.drain(timeoutMs);
    const left = this.buffered;
    if (left > 0) {
      this.counts.dropped.inc(left);
      this.options.log.error({ calls: left }, 'calls could not be kept in the call log in time');
    }
    return left;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.sender.close();
  }

  private drop(): void {
    this.counts.dropped.inc();
    const now = performance.now();
    if (now - this.lastLossLogMs < LOSS_LOG_INTERVAL_MS) return;
    this.lastLossLogMs = now;
    const reason = this.closed ? 'it is closed' : 'its memory is full';
    this.options.log.error({ waiting: this.buffered, reason }, 'calls are missing in the call log');
  }
}

interface IntakeCounts {
  kept: Counter;
  dropped: Counter;
  failures: Counter;
}

/** `buffered` is asked when the metrics are read, not told at every call. */
function registerCounts(metrics: Metrics, buffered: () => number): IntakeCounts {
  metrics.gauge({
    name: 'call_log_buffered',
    help: 'Calls in memory that are not in the call log yet.',
    collect() {
      this.set(buffered());
    },
  });
  return {
    kept: metrics.counter({ name: 'call_log_kept_total', help: 'Calls that the stream (standalone: Postgres) has.' }),
    dropped: metrics.counter({
      name: 'call_log_dropped_total',
      help: 'Calls missing in the call log: the memory was full, or the end came first. Alert on any.',
    }),
    failures: metrics.counter({
      name: 'call_log_failures_total',
      help: 'Batches of calls that were not confirmed and were tried again.',
    }),
  };
}
