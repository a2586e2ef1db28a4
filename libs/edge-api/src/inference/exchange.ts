import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyRecord } from '@switchboard/contracts';
import { GatewayError } from '@switchboard/contracts';
import type { StreamFailure } from '@switchboard/protocol';
import { callHeaders, endpointOf } from '../adapters/upstream-request';
import type { Candidate } from '../core/plan';
import type { RequestIdentity } from '../core/reply-headers';
import { failureBeforeFirstByte, finalError, streamFailure, type UpstreamFailure } from '../core/upstream-failure';
import type { Reservation } from './admissions';
import { settle, type Settlement } from './settlement';
import type { EdgeContext } from './edge-context';
import type { InferenceRequest } from './inference-request';
import { createRelay, prepareCall, type PreparedCall } from './prepare-call';
import type { Relay } from './relay';
import { ReplyWriter } from './reply-writer';
import { readReply } from './buffered-reply';
import type { Sweepable } from './sweeper';
import { UpstreamAttempt, type AttemptOwner } from './upstream-attempt';

/** A client that has not read a byte for this long is gone, whatever its socket says. */
const STALLED_CLIENT_MS = 10 * 60_000;

/**
 * One inference request from its plan to its usage record: tries candidates in order until one begins to answer, relays
 * that answer, and settles exactly once however it ends. Created per request; nothing of it outlives the reply.
 */
export class Exchange implements AttemptOwner, Sweepable {
  sweepSlot = -1;
  private readonly startedMs = performance.now();
  private readonly startedAtMs = Date.now();
  private readonly writer: ReplyWriter;
  private readonly failures: UpstreamFailure[] = [];
  private candidates: readonly Candidate[] = [];
  private reservation: Reservation | undefined;
  private attempt: UpstreamAttempt | undefined;
  private relay: Relay | undefined;
  private nextCandidate = 0;
  private attempts = 0;
  private firstTokenMs: number | undefined;
  private pausedSinceMs = 0;
  /** The client has left and the model's policy reads on for the exact figures. */
  private detached = false;
  private over = false;

  constructor(
    private readonly edge: EdgeContext,
    readonly request: InferenceRequest,
    readonly key: KeyRecord,
    readonly identity: RequestIdentity,
    private readonly incoming: IncomingMessage,
    response: ServerResponse,
  ) {
    this.writer = new ReplyWriter(edge, request.dialect, identity, response);
    response.on('close', () => this.clientClosed());
  }

  /** `candidates`: not empty, best first. `reservation`: the call's own; settled however it ends. */
  start(candidates: readonly Candidate[], reservation?: Reservation): void {
    // The client may have left while its prompt was being counted, or its call admitted.
    if (this.over) return reservation?.settle();
    this.reservation = reservation;
    this.candidates = candidates;
    this.edge.sweeper.add(this);
    this.tryNext();
  }

  openRelay(attempt: UpstreamAttempt): Relay {
    this.relay = createRelay(this.request, attempt.call, this.identity.requestId, this.startedAtMs);
    return this.relay;
  }

  relayBytes(attempt: UpstreamAttempt, relay: Relay, bytes: Buffer): boolean {
    const output = relay.push(bytes);
    if (relay.failure !== undefined) {
      attempt.cancel('the stream failed');
      this.streamFailed(attempt, relay, relay.failure, output);
      return true;
    }
    if (output.length === 0 || this.detached) return true;
    this.beginStream(attempt, relay);
    if (this.writer.write(output)) return true;
    this.pausedSinceMs = this.edge.sweeper.nowMs;
    this.writer.whenDrained(() => attempt.resume());
    return false;
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
        if (!this.detached) this.writer.reject(reply, attempt.call, this.attempts);
        return this.settle(attempt.call, { status: reply.status, finish: 'upstream_rejected', accepted: false });
      case 'reply':
        this.edge.metrics.attempted(attempt.call.candidate.provider.id, 'ok');
        if (!this.detached) this.writer.sendReply(reply, attempt.call, this.attempts);
        return this.settle(attempt.call, {
          status: 200,
          finish: this.detached ? 'disconnected' : (reply.finish ?? 'stop'),
          accepted: true,
          complete: true,
          usage: reply.usage,
          losses: reply.losses,
          outputBytes: reply.outputBytes,
        });
    }
  }

  attemptFailed(attempt: UpstreamAttempt, failure: UpstreamFailure): void {
    const { relay } = this;
    if (relay !== undefined && (this.writer.replyBegun || this.detached)) {
      // After its own end a connection may break as it likes.
      const output =
        relay.finish !== undefined ? relay.end('completed') : relay.end('truncated', streamFailure(failure));
      return this.finishStream(attempt, relay, output);
    }
    this.recordFailure(failure);
    // Nobody waits any more: no other upstream is to be paid for the answer.
    if (this.detached) return this.settle(attempt.call, { status: 499, finish: 'disconnected', accepted: true });
    this.tryNext();
  }

  sweep(nowMs: number): void {
    const { attempt } = this;
    if (attempt === undefined) return;
    const tooLong = nowMs - this.startedMs > attempt.call.candidate.provider.timeouts.totalMs;
    if (tooLong || attempt.isLate(nowMs)) return attempt.fail('timeout', new Error('deadline passed'));
    if (!this.request.stream || this.detached) return;
    if (attempt.paused) {
      if (nowMs - this.pausedSinceMs > STALLED_CLIENT_MS) this.writer.destroy();
      return;
    }
    this.keepAlive(nowMs);
  }

  private keepAlive(nowMs: number): void {
    const { keepaliveMs } = this.edge.settings;
    if (!this.writer.headWritten) {
      if (nowMs - this.startedMs < keepaliveMs) return;
      this.writer.beginWaiting();
    }
    this.writer.keepalive(nowMs, keepaliveMs);
  }

  shutDown(): void {
    if (this.over) return;
    this.nextCandidate = this.candidates.length;
    this.attempt?.fail('shutdown', new Error('the gateway is shutting down'));
  }

  private tryNext(): void {
    let refusal: GatewayError | undefined;
    while (this.nextCandidate < this.candidates.length) {
      const candidate = this.candidates[this.nextCandidate++];
      if (candidate === undefined) break;
      const call = prepareCall(this.request, candidate);
      if (!(call instanceof GatewayError)) return this.dispatch(call);
      refusal ??= call;
    }
    this.giveUp(
      this.failures.length > 0 ? finalError(this.failures) : (refusal ?? new GatewayError('internal', 'No upstream.')),
    );
  }

  private dispatch(call: PreparedCall): void {
    this.attempts++;
    this.relay = undefined;
    const { provider } = call.candidate;
    const nowMs = performance.now();
    const attempt = new UpstreamAttempt(this, call, this.request.stream, this.edge.sweeper, nowMs);
    this.attempt = attempt;
    this.edge.pools.get(provider).dispatch(
      {
        path: call.passThrough ? endpointOf(provider).path + this.request.query : endpointOf(provider).path,
        method: 'POST',
        headers: callHeaders(
          provider,
          this.identity.requestId,
          call.passThrough ? this.incoming.headers : undefined,
          this.request.stream,
        ),
        body: call.body,
      },
      attempt,
    );
  }

  private giveUp(error: GatewayError): void {
    const { requestId } = this.identity;
    if (error.code === 'internal') {
      this.edge.log.error({ err: error.extra.cause, requestId }, 'a request failed inside the gateway');
    }
    const status = this.writer.sendError(error, this.attempts);
    const { attempt, relay } = this;
    if (attempt === undefined) return this.close(status);
    this.settle(attempt.call, {
      status,
      finish: 'upstream_error',
      // It began to answer, so it did something; what that was worth nobody said.
      accepted: attempt.status >= 200 && attempt.status < 300,
      usage: relay?.usage,
      outputBytes: relay?.outputBytes ?? 0,
    });
  }

  private beginStream(attempt: UpstreamAttempt, relay: Relay): void {
    if (this.writer.replyBegun) return;
    this.firstTokenMs = performance.now() - this.startedMs;
    this.writer.beginStream(attempt.call, this.attempts, relay.losses);
  }

  private finishStream(attempt: UpstreamAttempt, relay: Relay, output: Buffer | string): void {
    if (relay.failure !== undefined) return this.streamFailed(attempt, relay, relay.failure, output);
    this.edge.metrics.attempted(attempt.call.candidate.provider.id, 'ok');
    if (!this.detached) {
      this.beginStream(attempt, relay);
      this.writer.end(output);
    }
    const finish = this.detached ? 'disconnected' : (relay.finish ?? 'stop');
    this.settleStream(attempt, relay, finish, relay.usageIsFinal);
  }

  private streamFailed(attempt: UpstreamAttempt, relay: Relay, failure: StreamFailure, output: Buffer | string): void {
    if (!this.writer.replyBegun && !this.detached) {
      this.recordFailure(failureBeforeFirstByte(attempt.call.candidate.provider.id, failure));
      return this.tryNext();
    }
    this.edge.metrics.attempted(attempt.call.candidate.provider.id, failure.kind === 'timeout' ? 'timeout' : 'broken');
    this.edge.log.warn(
      { requestId: this.identity.requestId, provider: attempt.call.candidate.provider.id, kind: failure.kind },
      'upstream stream failed after the first byte',
    );
    if (!this.detached) this.writer.end(output);
    this.settleStream(attempt, relay, 'upstream_error', false);
  }

  private clientClosed(): void {
    const { attempt, relay } = this;
    if (this.over || this.detached) return;
    if (attempt === undefined) {
      this.over = true;
      return;
    }
    if (attempt.call.candidate.model.onDisconnect === 'drain') {
      this.detached = true;
      return attempt.resume();
    }
    attempt.cancel('the client left');
    if (relay !== undefined) return this.settleStream(attempt, relay, 'disconnected', false, 499);
    this.settle(attempt.call, { status: 499, finish: 'disconnected', accepted: true });
  }

  private recordFailure(failure: UpstreamFailure): void {
    this.failures.push(failure);
    this.edge.metrics.attempted(failure.provider, failure.kind);
    this.edge.log.warn(
      {
        requestId: this.identity.requestId,
        provider: failure.provider,
        kind: failure.kind,
        status: failure.status,
        cause: failure.cause instanceof Error ? failure.cause.message : undefined,
      },
      'upstream attempt failed',
    );
  }

  private settleStream(attempt: UpstreamAttempt, relay: Relay, finish: string, complete: boolean, status = 200): void {
    const { usage, losses, outputBytes } = relay;
    this.settle(attempt.call, { status, finish, accepted: true, complete, usage, losses, outputBytes });
  }

  private settle(call: PreparedCall, settlement: Settlement): void {
    if (this.over) return;
    settle(this.edge, this.request, call, settlement, {
      identity: this.identity,
      key: this.key,
      startedAtMs: this.startedAtMs,
      firstTokenMs: this.firstTokenMs,
      latencyMs: performance.now() - this.startedMs,
      attempts: this.attempts,
      reservation: this.reservation,
    });
    this.close();
  }

  private close(refusedStatus?: number): void {
    this.over = true;
    this.edge.sweeper.remove(this);
    this.reservation?.settle();
    if (refusedStatus !== undefined) this.edge.metrics.refused(this.request.dialect.id, refusedStatus);
  }
}
