import {
  type Bus,
  BusUnavailableError,
  decodeJson,
  encodeJson,
  type LimiterBatchReplyV2,
  type LimiterStep,
  type LimiterStepReply,
  LimiterUnavailableError,
  RemoteError,
  SUBJECTS,
} from '@switchboard/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import { Outage } from './core/outage';

/** The only replica may be restarting: for so long it is asked again. */
const ABSENCE_TOLERATED_MS = 500;
const PAUSES_MS = [10, 20, 40, 80, 120];

export interface StepBatcherOptions {
  bus: Bus;
  /** How long one answer may take. */
  timeoutMs: number;
  /** Steps in one message; 1: each travels alone. */
  batchMax: number;
  onLease: (leaseMs: number) => void;
}

interface Waiting {
  step: LimiterStep;
  resolve: (reply: LimiterStepReply) => void;
  reject: (error: unknown) => void;
}

/** It was not sent, or nobody was there to take it: nothing can have come of it. */
export class NotTakenError extends LimiterUnavailableError {}

/**
 * Steps to the limiter, those of one turn of the event loop in one message. An outage is found out by few and costs the
 * others no time.
 */
export class StepBatcher {
  private waiting: Waiting[] = [];
  private scheduled = false;
  private readonly outage = new Outage();

  constructor(private readonly options: StepBatcherOptions) {}

  /** @throws LimiterUnavailableError */
  perform(step: LimiterStep): Promise<LimiterStepReply> {
    if (this.outage.isSilent(performance.now())) {
      return Promise.reject(new NotTakenError('the limiter does not answer'));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ step, resolve, reject });
      if (this.waiting.length >= this.options.batchMax) return this.flush();
      if (this.scheduled) return;
      this.scheduled = true;
      setImmediate(() => this.flush());
    });
  }

  /** @throws LimiterUnavailableError */
  async ask(subject: string, request: object): Promise<Uint8Array> {
    if (this.outage.isSilent(performance.now())) throw new NotTakenError('the limiter does not answer');
    const { bus, timeoutMs } = this.options;
    const payload = encodeJson(request);
    let mayBeTaken = false;
    for (let attempt = 0; ; attempt++) {
      const askedAtMs = performance.now();
      const { connected } = bus;
      try {
        const reply = await bus.request(subject, payload, { timeoutMs });
        this.outage.answered(performance.now());
        return reply;
      } catch (error) {
        // The answer, too, may have been lost with the connection.
        mayBeTaken ||= this.timedOut(askedAtMs) || (connected && !bus.connected);
        if (!this.mayAskAgain(error, askedAtMs)) throw unavailable(error, mayBeTaken);
      }
      await delay(PAUSES_MS[attempt] ?? PAUSES_MS.at(-1));
    }
  }

  private flush(): void {
    this.scheduled = false;
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.send(waiting).catch((error: unknown) => {
      for (const { reject } of waiting) reject(error);
    });
  }

  private async send(waiting: Waiting[]): Promise<void> {
    const steps = waiting.map(({ step }) => step);
    const { replies, leaseMs } = readReply(await this.ask(SUBJECTS.limiterBatch, { steps }), steps.length);
    this.options.onLease(leaseMs);
    waiting.forEach(({ resolve, reject }, index) => {
      const answer = replies[index] as LimiterStepReply;
      if (answer.outcome !== 'unavailable') return resolve(answer);
      const message = `the limiter cannot decide: ${answer.message}`;
      reject(answer.untried === true ? new NotTakenError(message) : new LimiterUnavailableError(message));
    });
  }

  /** Only where nobody was there to ask, and not for long. */
  private mayAskAgain(error: unknown, askedAtMs: number): boolean {
    const nowMs = performance.now();
    if (error instanceof RemoteError) this.outage.answered(nowMs);
    if (!(error instanceof BusUnavailableError)) return false;
    if (this.timedOut(askedAtMs)) {
      this.outage.silent(askedAtMs, nowMs);
      return false;
    }
    return this.outage.absent(nowMs) < ABSENCE_TOLERATED_MS;
  }

  /** Timers may fire a moment early. */
  private timedOut(askedAtMs: number): boolean {
    return performance.now() - askedAtMs >= this.options.timeoutMs - 5;
  }
}

/** @throws LimiterUnavailableError when it does not answer so many steps. */
function readReply(payload: Uint8Array, steps: number): LimiterBatchReplyV2 {
  try {
    const reply = decodeJson<LimiterBatchReplyV2>(payload);
    const answers = reply.replies.filter(({ outcome }) => typeof outcome === 'string').length;
    if (answers === steps && reply.replies.length === steps && reply.leaseMs > 0) return reply;
  } catch {
    // Of another release, or of somebody else: as below.
  }
  throw new LimiterUnavailableError('what the limiter answered is no answer');
}

function unavailable(error: unknown, mayBeTaken: boolean): unknown {
  if (error instanceof BusUnavailableError) {
    const message = `the limiter cannot be reached: ${error.message}`;
    if (mayBeTaken) return new LimiterUnavailableError(message, { cause: error });
    return new NotTakenError(message, { cause: error });
  }
  if (error instanceof RemoteError) {
    return new LimiterUnavailableError(`the limiter cannot decide: ${error.message}`, { cause: error });
  }
  return error;
}
