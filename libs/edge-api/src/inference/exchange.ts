import type { IncomingMessage, ServerResponse } from 'node:http';
import { priceAt, type GatewayError, type KeyRecord } from '@switchboard/contracts';
import type { StreamFailure } from '@switchboard/protocol';
import type { Candidate } from '../core/plan';
import type { RequestIdentity } from '../core/reply-headers';
import { failureBeforeFirstByte, finalError, streamFailure, type UpstreamFailure } from '../core/upstream-failure';
import { Attempts, type AttemptsOwner } from './attempts';
import { callIntent } from './call-intent';
import { closeUnserved, settle, type Refusal, type Settlement } from './settlement';
import type { EdgeContext } from './edge-context';
import type { InferenceRequest } from './inference-request';
import { createRelay, type PreparedCall } from './prepare-call';
import type { Relay } from './relay';
import type { Reservation } from './reservation';
import { ReplyWriter } from './reply-writer';
import { readReply, type BufferedReply } from './buffered-reply';
import { SpendingWatch } from './spending-watch';
import type { Sweepable } from './sweeper';
import type { UpstreamAttempt } from './upstream-attempt';

type Figures = Pick<Settlement, 'usage' | 'losses' | 'outputBytes'>;

/**
 * One inference request from its plan to its usage record: tries candidates in order until one begins to answer, relays
 * that answer, and settles exactly once however it ends. Created per request; nothing of it outlives the reply.
 */
export class Exchange implements AttemptsOwner, Sweepable {
  sweepSlot = -1;
  private readonly startedMs = performance.now();
  /** Milliseconds since the epoch. */
  readonly startedAtMs = Date.now();
  private readonly writer: ReplyWriter;
  private readonly attempts: Attempts;
  private reservation: Reservation | undefined;
  private relay: Relay | undefined;
  /** Of a streamed reply that is paid from a budget. */
  private spending: SpendingWatch | undefined;
  private firstTokenMs: number | undefined;
  private pausedSinceMs = 0;
  /** When the client left and the model's policy reads on for the exact figures; 0: it did not. */
  private detachedSinceMs = 0;
  private over = false;

  constructor(
    private readonly edge: EdgeContext,
    readonly request: InferenceRequest,
    readonly key: KeyRecord,
    readonly identity: RequestIdentity,
    incoming: IncomingMessage,
    response: ServerResponse,
  ) {
    this.writer = new ReplyWriter(edge, request.dialect, identity, response);
    this.attempts = new Attempts(edge, request, key, identity, incoming, this, this.writer);
    response.on('close', () => this.clientClosed());
  }

  /** `candidates`: not empty, best first. `reservation`: the call's own; settled however it ends. */
  start(candidates: readonly Candidate[], reservation?: Reservation): void {
    // The client may have left while its prompt was being counted, or its call admitted.
    if (this.over) return reservation?.settle();
    this.reservation = reservation;
    if (reservation !== undefined) this.writer.limits = reservation.granted.headers;
    if (this.edge.sweeper.stopped) return this.gaveUp(finalError([{ provider: 'none', kind: 'shutdown' }]));
    this.edge.sweeper.add(this);
    const outputTokensMost = reservation?.outputTokensMost(this.request.replyCount);
    this.attempts.start({ candidates, outputTokensMost });
  }

  dispatching(call: PreparedCall, dispatch: () => void): void {
    const { identity, key, startedAtMs, reservation } = this;
    const facts = { identity, key, startedAtMs, reservation, attempts: this.attempts.count };
    this.edge.usage.begin(callIntent(this.request, call, facts), dispatch);
  }

  openRelay(attempt: UpstreamAttempt): Relay {
    this.relay = createRelay(this.request, attempt.call, this.identity.requestId, this.startedAtMs);
    if (this.reservation?.paysMoney === true) {
      const { prices } = priceAt(attempt.call.candidate.model, this.startedAtMs);
      this.spending = new SpendingWatch(this.reservation, prices, () => this.spendingAnswered(attempt));
    }
    return this.relay;
  }

  relayBytes(attempt: UpstreamAttempt, relay: Relay, bytes: Buffer): boolean {
    const output = relay.push(bytes);
    if (relay.failure !== undefined) {
      attempt.cancel('the stream failed');
      this.streamFailed(attempt, relay, relay.failure, output);
      return true;
    }
    const mayReadOn = output.length === 0 || this.detached || this.writeStream(attempt, relay, output);
    if (this.spending === undefined || relay.finish !== undefined) return mayReadOn;
    return this.keepsToBudget(attempt, relay, this.spending) && mayReadOn;
  }

  private writeStream(attempt: UpstreamAttempt, relay: Relay, output: Buffer | string): boolean {
    this.beginStream(attempt, relay);
    if (this.writer.write(output)) return true;
    this.pausedSinceMs = this.edge.sweeper.nowMs;
    this.writer.whenDrained(() => this.goOn(attempt));
    return false;
  }

  /** False: nothing more may be read, for now or for good. */
  private keepsToBudget(attempt: UpstreamAttempt, relay: Relay, spending: SpendingWatch): boolean {
    const verdict = spending.check(relay);
    if (verdict === 'stop') this.stopAtLimit(attempt, relay, spending);
    else if (verdict === 'wait') this.pausedSinceMs = this.edge.sweeper.nowMs;
    return verdict === 'fine';
  }

  private spendingAnswered(attempt: UpstreamAttempt): void {
    if (attempt !== this.attempts.current || !attempt.paused || (this.writer.isFull && !this.detached)) return;
    this.goOn(attempt);
  }

  private goOn(attempt: UpstreamAttempt): void {
    const { relay, spending } = this;
    if (this.over) return;
    const isCharged = relay !== undefined && spending !== undefined && relay.finish === undefined;
    if (!isCharged || this.keepsToBudget(attempt, relay, spending)) attempt.resume();
  }

  /** The budget is used up in the middle of a reply: it ends as one that reached its length. */
  private stopAtLimit(attempt: UpstreamAttempt, relay: Relay, spending: SpendingWatch): void {
    const usage = spending.affordable(relay);
    attempt.cancel('the budget is used up');
    this.edge.metrics.attempted(attempt.call.candidate.provider.id, 'ok');
    const output = relay.stopAtLimit(usage, `${this.edge.names.stopped}: budget_exceeded`);
    if (!this.detached) {
      this.beginStream(attempt, relay);
      this.writer.end(output);
    }
    const { losses } = relay;
    this.settle(attempt.call, { status: 200, finish: 'budget_exceeded', accepted: true, usage, losses });
  }

  relayEnded(attempt: UpstreamAttempt, relay: Relay): void {
    this.finishStream(attempt, relay, relay.end('completed'));
  }

  replyBuffered(attempt: UpstreamAttempt, body: Buffer): void {
    const reply = readReply(this.request, attempt, body, this.identity.requestId, this.startedAtMs);
    switch (reply.kind) {
      case 'failure':
        return this.attemptFailed(attempt, reply.failure);
      case 'rejected':
        this.edge.metrics.attempted(attempt.call.candidate.provider.id, 'rejected');
        attempt.record.refused();
        if (!this.detached) this.writer.reject(reply, attempt.call, this.attempts.count);
        return this.settle(attempt.call, { status: reply.status, finish: 'upstream_rejected', accepted: false });
      case 'reply':
        this.edge.metrics.attempted(attempt.call.candidate.provider.id, 'ok');
        attempt.record.answered();
        return attempt.conclude('send', () => this.sendReply(attempt, reply));
    }
  }

  private sendReply(attempt: UpstreamAttempt, reply: BufferedReply & { kind: 'reply' }): void {
    if (!this.detached) this.writer.sendReply(reply, attempt.call, this.attempts.count);
    this.settleReply(attempt, reply, this.detached ? 'disconnected' : (reply.finish ?? 'stop'), true);
  }

  attemptFailed(attempt: UpstreamAttempt, failure: UpstreamFailure): void {
    const { relay } = this;
    if (relay !== undefined && (this.writer.replyBegun || this.detached)) {
      // After its own end a connection may break as it likes.
      const output =
        relay.finish !== undefined ? relay.end('completed') : relay.end('truncated', streamFailure(failure));
      return this.finishStream(attempt, relay, output);
    }
    this.attempts.failed(failure);
    // Nobody waits any more: no other upstream is to be paid for the answer.
    if (this.detached) return this.settle(attempt.call, { status: 499, finish: 'disconnected', accepted: true });
    this.relay = undefined;
    this.attempts.tryNext();
  }

  sweep(nowMs: number): void {
    const attempt = this.attempts.current;
    if (attempt === undefined || this.over) return;
    attempt.record.noticeLate(nowMs);
    const { totalMs } = attempt.call.candidate.provider.timeouts;
    if (nowMs - this.startedMs > totalMs || attempt.isLate(nowMs) || this.attempts.isBetterElsewhere(nowMs)) {
      return attempt.fail('timeout', new Error('deadline passed'));
    }
    if (this.detached && nowMs - this.detachedSinceMs > this.edge.settings.readOnMs) return this.abandon(attempt);
    if (!this.request.stream || this.detached) return;
    if (attempt.paused) return this.writer.dropIfUnread(nowMs - this.pausedSinceMs);
    this.writer.keepalive(nowMs, this.startedMs);
  }

  shutDown(): void {
    if (!this.over) this.attempts.shutDown();
  }

  gaveUp(error: GatewayError): void {
    const { requestId } = this.identity;
    if (error.code === 'internal') {
      this.edge.log.error({ err: error.extra.cause, requestId }, 'a request failed inside the gateway');
    }
    const status = this.writer.sendError(error, this.attempts.count);
    const { relay } = this;
    const attempt = this.attempts.current;
    if (attempt === undefined) return this.close({ status, code: error.code });
    this.settle(attempt.call, {
      status,
      ...{ finish: 'upstream_error', errorCode: error.code },
      // It began to answer, so it did something; what that was worth nobody said.
      accepted: attempt.status >= 200 && attempt.status < 300,
      usage: relay?.usage,
      outputBytes: relay?.outputBytes ?? 0,
    });
  }

  private beginStream(attempt: UpstreamAttempt, relay: Relay): void {
    if (this.writer.replyBegun) return;
    attempt.record.answered();
    this.firstTokenMs = performance.now() - this.startedMs;
    this.writer.beginStream(attempt.call, this.attempts.count, relay.losses);
  }

  private finishStream(attempt: UpstreamAttempt, relay: Relay, output: Buffer | string): void {
    if (relay.failure !== undefined) return this.streamFailed(attempt, relay, relay.failure, output);
    this.edge.metrics.attempted(attempt.call.candidate.provider.id, 'ok');
    if (!this.detached) {
      this.beginStream(attempt, relay);
      this.writer.end(output);
    }
    const finish = this.detached ? 'disconnected' : (relay.finish ?? 'stop');
    this.settleReply(attempt, relay, finish, relay.usageIsFinal);
  }

  private streamFailed(attempt: UpstreamAttempt, relay: Relay, failure: StreamFailure, output: Buffer | string): void {
    const provider = attempt.call.candidate.provider.id;
    if (!this.writer.replyBegun && !this.detached) {
      this.attempts.failed(failureBeforeFirstByte(provider, failure));
      this.relay = undefined;
      return this.attempts.tryNext();
    }
    this.attempts.brokeOff(failure);
    if (!this.detached) this.writer.end(output);
    this.settleReply(attempt, relay, 'upstream_error', false);
  }

  private get detached(): boolean {
    return this.detachedSinceMs !== 0;
  }

  private clientClosed(): void {
    const attempt = this.attempts.current;
    if (this.over || this.detached) return;
    if (attempt === undefined) return this.close();
    if (this.attempts.isWaiting)
      return this.settle(attempt.call, { status: 499, finish: 'disconnected', accepted: false });
    this.detachedSinceMs = this.edge.sweeper.nowMs;
    // What a whole reply came to is known at the end of this turn, exactly.
    if (attempt.call.candidate.model.onDisconnect === 'drain' || attempt.isComplete) return this.goOn(attempt);
    // What has come of a stream counts.
    attempt.flush();
    if (!this.over) this.abandon(attempt);
  }

  /** Nobody waits for the rest of it: what was produced is billed. */
  private abandon(attempt: UpstreamAttempt): void {
    const { relay } = this;
    attempt.cancel('the client left');
    if (relay !== undefined) return this.settleReply(attempt, relay, 'disconnected', false, 499);
    this.settle(attempt.call, { status: 499, finish: 'disconnected', accepted: true });
  }

  private settleReply(attempt: UpstreamAttempt, reply: Figures, finish: string, complete: boolean, status = 200): void {
    const { usage, losses, outputBytes } = reply;
    this.settle(attempt.call, { status, finish, accepted: true, complete, usage, losses, outputBytes });
  }

  private settle(call: PreparedCall, settlement: Settlement): void {
    if (this.over) return;
    this.over = true;
    const { edge, request, identity, key, startedAtMs, firstTokenMs, startedMs, attempts, reservation } = this;
    const endedMs = performance.now();
    const facts = { identity, key, startedAtMs, firstTokenMs, startedMs, endedMs, attempts, reservation };
    edge.stages.add('end', () => {
      try {
        attempts.settled(settle(edge, request, call, settlement, facts));
      } finally {
        this.close();
      }
    });
  }

  private close(refusal?: Refusal): void {
    this.over = true;
    this.edge.sweeper.remove(this);
    this.attempts.leaveAccount();
    this.reservation?.settle();
    closeUnserved(this.edge, this.request, this.identity, refusal);
  }
}
