import type { IncomingMessage } from 'node:http';
import { GatewayError, type KeyRecord, type UsageRecordedV1 } from '@switchboard/contracts';
import { totalInputTokens, type StreamFailure, type Usage } from '@switchboard/protocol';
import { lastResort, pick, type RetryBudget } from '@switchboard/upstreams';
import { callHeaders, requestPath } from '../adapters/upstream-request';
import { hasLimits } from '../core/account-reservation';
import { affinityKey } from '../core/affinity-key';
import { outputTokensAsked } from '../core/asked-output';
import { estimateInput } from '../core/input-estimate';
import type { Candidate } from '../core/plan';
import type { RequestIdentity } from '../core/reply-headers';
import { routeShown } from '../core/route-shown';
import { didNothing, mayHaveSideEffects } from '../core/side-effects';
import { allOpen, attemptKind, finalError, lacksEndpoint, type UpstreamFailure } from '../core/upstream-failure';
import type { EdgeContext } from './edge-context';
import type { InferenceRequest } from './inference-request';
import { prepareCall, type PreparedCall } from './prepare-call';
import type { AccountCall, AccountEntry, AccountFull, AccountRoom } from './provider-accounts';
import type { FailedAttempt } from './request-traces';
import { UpstreamAttempt, type AttemptOwner } from './upstream-attempt';

/** Of a call: what it may be tried with. */
export interface AttemptsPlan {
  /** Not empty. */
  candidates: readonly Candidate[];
  /** The most output of each reply that an upstream may be asked for; absent: what the client asked for. */
  outputTokensMost: number | undefined;
}

export interface AttemptsOwner extends AttemptOwner {
  /** The call is to go to an upstream, as soon as `dispatch` is called. */
  dispatching(call: PreparedCall, dispatch: () => void): void;
  /** Every candidate failed, or none could take the request. */
  gaveUp(error: GatewayError): void;
}

/** Tries a call's candidates, as they fare now, one at a time, until its owner is content with one. */
export class Attempts {
  /** Under way, or the last one. */
  current: UpstreamAttempt | undefined;
  /** Calls that were sent. */
  count = 0;
  /** Best first. */
  private order: readonly Candidate[] = [];
  private outputTokensMost: number | undefined;
  /** Of the model that was planned first, wherever the call goes. */
  private retries: RetryBudget | undefined;
  private next = 0;
  private entered = 0;
  /** Monotonic: when the call was admitted. */
  startedMs = 0;
  /** Being waited for in a provider's account. */
  private entry: AccountEntry | undefined;
  private room: AccountRoom | undefined;
  readonly failures: FailedAttempt[] = [];

  constructor(
    private readonly edge: EdgeContext,
    private readonly request: InferenceRequest,
    private readonly key: KeyRecord,
    private readonly identity: RequestIdentity,
    private readonly incoming: IncomingMessage,
    private readonly owner: AttemptsOwner,
    /** Told why which upstream, where the client asks. */
    private readonly shown: { route: string | undefined },
  ) {}

  start({ candidates, outputTokensMost }: AttemptsPlan): void {
    const nowMs = performance.now();
    this.startedMs = nowMs;
    this.outputTokensMost = outputTokensMost;
    this.retries = candidates[0]?.retries;
    this.retries?.request(nowMs);
    this.order = this.choose(candidates, nowMs);
    if (this.request.headers[this.edge.names.routeDebug] !== undefined) {
      this.shown.route = routeShown(this.key, candidates, this.order, nowMs);
    }
    if (this.order.length === 0) return this.owner.gaveUp(allOpen(candidates, nowMs));
    this.tryNext();
  }

  /** Where all are open, one more call to one that answers quickly costs nobody anything, and may find it mended. */
  private choose(candidates: readonly Candidate[], nowMs: number): readonly Candidate[] {
    const { sniffed, body } = this.request;
    const order = pick(candidates, {
      nowMs,
      random: Math.random,
      affinity: () => affinityKey(this.incoming.headers, sniffed, body),
      mayTry: true,
    });
    if (order.length > 0) return order;
    const last = lastResort(candidates, nowMs);
    return last === undefined ? [] : [last];
  }

  tryNext(): void {
    let refusal: GatewayError | undefined;
    while (this.next < this.order.length) {
      const candidate = this.order[this.next++];
      if (candidate === undefined) break;
      if (this.count > 0 && this.isKnownToFail(candidate)) continue;
      if (!this.mayGoOn()) break;
      const call = prepareCall(this.request, candidate, this.outputTokensMost);
      if (!(call instanceof GatewayError)) return this.enter(call);
      refusal ??= call;
    }
    const { failures } = this;
    this.owner.gaveUp(
      failures.length > 0 ? finalError(failures) : (refusal ?? new GatewayError('internal', 'No upstream.')),
    );
  }

  /**
   * The call has waited far longer than is usual where nobody is answered, and may go to an upstream that is well: what
   * others wait for in vain it need not wait for until its timeout.
   */
  isBetterElsewhere(nowMs: number): boolean {
    const { current } = this;
    if (current?.record.isLate !== true) return false;
    if (!current.call.candidate.health.breaker.answersNobodySince(current.startedMs)) return false;
    return (
      this.order.slice(this.next).some(({ health }) => health.standing(nowMs) === 'healthy') &&
      !this.mayHaveSideEffects() &&
      this.retries?.isLeft(nowMs, this.edge.catalog.current().routing.retries) === true
    );
  }

  /** Other calls found out what this one need not: the client has waited once already, and would again for what hangs. */
  private isKnownToFail({ health }: Candidate): boolean {
    const { breaker } = health;
    if (health.standing(performance.now()) === 'open' || breaker.answersNobodySince(this.startedMs)) return true;
    return breaker.hangs && this.failures.at(-1)?.kind === 'timeout' && health.isSilentSince(this.startedMs);
  }

  /** A further attempt is a retry, of which there are only so many, and none of what may have been done already. */
  private mayGoOn(): boolean {
    const last = this.failures.at(-1);
    if (this.count === 0 || last === undefined) return true;
    if (!didNothing(last) && this.mayHaveSideEffects()) return this.retried('side_effects');
    // What was refused a connection asked nothing of anybody: it is the first call of the next one.
    if (last.kind === 'connect') return this.retried('granted');
    const granted = this.retries?.take(performance.now(), this.edge.catalog.current().routing.retries) === true;
    return this.retried(granted ? 'granted' : 'exhausted');
  }

  private mayHaveSideEffects(): boolean {
    const { body, sniffed, dialect } = this.request;
    return mayHaveSideEffects(body, sniffed.tools === 'filled', dialect.id);
  }

  private retried(outcome: 'granted' | 'exhausted' | 'side_effects'): boolean {
    this.edge.metrics.retried(outcome);
    return outcome === 'granted';
  }

  /** Nothing is sent, for a provider's account has no room for the call yet. */
  get isWaiting(): boolean {
    return this.entry !== undefined;
  }

  /** Ends what is under way, in an error of the client's dialect. */
  shutDown(): void {
    this.next = this.order.length;
    const cause = new Error('the gateway is shutting down');
    if (this.entry === undefined) return this.current?.fail('shutdown', cause);
    this.failed({ provider: 'none', kind: 'shutdown', cause });
    this.tryNext();
  }

  /** What was under way is over, however it ended. Absent: nothing was used. */
  leaveAccount(usage?: Usage): void {
    this.current?.record.end();
    this.entry?.cancel();
    this.entry = undefined;
    this.room?.leave(usage && { inputTokens: totalInputTokens(usage), outputTokens: usage.outputTokens });
    this.room = undefined;
  }

  /** The call came to an end that is on record. */
  settled(record: UsageRecordedV1): void {
    this.current?.record.settled(record);
    this.leaveAccount(record.usage);
  }

  failed(failure: UpstreamFailure): void {
    this.recordFailure(failure);
    this.leaveAccount();
    this.failures.push({ ...failure, attempt: this.current, endedMs: performance.now() });
    this.edge.metrics.attempted(failure.provider, failure.kind);
    this.edge.log.warn(
      {
        requestId: this.identity.requestId,
        trace_id: this.identity.trace?.traceId,
        provider: failure.provider,
        kind: failure.kind,
        status: failure.status,
        cause: failure.cause instanceof Error ? failure.cause.message : undefined,
      },
      'upstream attempt failed',
    );
  }

  private recordFailure(failure: UpstreamFailure): void {
    const { current } = this;
    if (current === undefined) return;
    // What it lacks for this call it has for others.
    if (this.request.operation !== undefined && lacksEndpoint(failure)) return current.record.refused();
    const { account } = current.call.candidate.health;
    const before = account.refusal;
    current.record.failed(failure);
    if (account.refusal === undefined || before !== undefined) return;
    const { provider, status } = failure;
    this.edge.log.error(
      { provider, status, refusal: account.refusal },
      'a provider refuses the account: it is put aside',
    );
  }

  /** The reply of the current attempt failed after its first byte. */
  brokeOff(failure: StreamFailure): void {
    const { current } = this;
    if (current === undefined) return;
    const provider = current.call.candidate.provider.id;
    const kind = attemptKind(failure);
    current.record.failed({ kind });
    this.edge.metrics.attempted(provider, kind === 'timeout' ? 'timeout' : 'broken');
    const { requestId, trace } = this.identity;
    const facts = { requestId, trace_id: trace?.traceId, provider, kind };
    this.edge.log.warn(facts, 'upstream stream failed after the first byte');
  }

  /** Room in the provider's account first, where it is limited: another upstream is better than waiting for this one. */
  private enter(call: PreparedCall): void {
    const { provider } = call.candidate;
    const mayWait = this.next >= this.order.length;
    const entry = hasLimits(provider) && this.edge.accounts.enter(provider, this.accountCall(call), mayWait);
    if (entry === false || entry === undefined) return this.dispatch(call);
    this.entry = entry;
    void entry.outcome.then((told) => this.admitted(call, told));
  }

  private admitted(call: PreparedCall, told: AccountRoom | AccountFull): void {
    this.entry = undefined;
    if (!('full' in told)) {
      this.room = told;
      return this.dispatch(call);
    }
    const retryAfterSeconds = Math.ceil(told.retryAfterMs / 1000);
    this.failed({ provider: call.candidate.provider.id, kind: 'saturated', retryAfterSeconds });
    this.tryNext();
  }

  private accountCall({ candidate, body }: PreparedCall): AccountCall {
    const { sniffed, maxTokens, replyCount } = this.request;
    const granted = (this.outputTokensMost ?? Infinity) * replyCount;
    return {
      id: `${this.identity.requestId}:${++this.entered}`,
      tenantId: this.key.tenant.id,
      inputTokens: estimateInput(body, sniffed.tools === 'filled', sniffed).tokens,
      outputTokens: Math.min(granted, outputTokensAsked({ maxTokens, replyCount }, candidate.model)),
      startedAtMs: Date.now(),
    };
  }

  private dispatch(call: PreparedCall): void {
    this.count++;
    const { stream } = this.request;
    const attempt = new UpstreamAttempt(this.owner, call, stream, this.edge, performance.now());
    this.current = attempt;
    // Before the first byte leaves: from then on something may be spent.
    this.owner.dispatching(call, () => {
      try {
        if (!attempt.isOver) this.send(call, attempt);
      } catch (error) {
        // In a turn of its own by now: unhandled, one odd request would end the process.
        attempt.fail('gateway', error);
      }
    });
  }

  private send(call: PreparedCall, attempt: UpstreamAttempt): void {
    const { provider, upstream, dialect } = call.candidate;
    const { request } = this;
    // What a client of the upstream's own API puts beside the body holds whether or not the body had to be written anew.
    const sameDialect = request.dialect.id === dialect.id;
    const clientHeaders = sameDialect ? this.incoming.headers : undefined;
    const query = sameDialect ? request.query : '';
    const headers = callHeaders(provider, this.identity.requestId, clientHeaders, request.stream);
    attempt.sentMs = performance.now();
    this.edge.pools.get(provider).dispatch(
      {
        path: requestPath(provider, dialect.id, upstream.model, query, request.operation?.id),
        method: 'POST',
        headers: this.identity.trace?.passOn(headers, this.count) ?? headers,
        body: call.body,
      },
      attempt,
    );
  }
}
