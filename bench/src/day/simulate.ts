import { DEFAULT_ROUTING, type OutcomeClass } from '@switchboard/contracts';
import type { DayPlan, DayPolicy } from './policies';
import type { DayRequest } from './requests';
import { Timeline } from './timeline';
import type { Candidate } from './upstream';
import type { Reply, World } from './world';

const SWEEP_MS = 250;
const SWEEPS_PER_SECOND = 4;
export const FIRST_TOKEN_TIMEOUT_MS = 30_000;

/** What became of a request. */
export interface Served {
  request: DayRequest;
  /** Provider of each attempt, in turn. */
  tried: number[];
  /** Absent: the client got an error. Times from when the request came. */
  reply?: { provider: number; firstTokenMs: number; wholeMs: number; costNanoUsd: number };
}

interface Call extends Served, DayPlan {
  next: number;
}

/** An attempt that nothing was heard of yet. */
interface Waiting {
  call: Call;
  candidate: Candidate;
  startedMs: number;
  late: boolean;
}

/** Sends the requests of a day by a policy, in virtual time. */
export function simulate(requests: readonly DayRequest[], policy: DayPolicy, world: World): Served[] {
  return new Simulation(requests, policy, world).run();
}

class Simulation {
  private readonly timeline = new Timeline();
  private readonly waiting = new Set<Waiting>();
  private readonly calls: Call[] = [];
  private sweeps = 0;

  constructor(
    private readonly requests: readonly DayRequest[],
    private readonly policy: DayPolicy,
    private readonly world: World,
  ) {}

  run(): Served[] {
    this.arriveAt(0);
    this.timeline.at((this.requests[0]?.atMs ?? 0) + SWEEP_MS, (nowMs) => this.sweep(nowMs));
    this.timeline.run();
    return this.calls;
  }

  private arriveAt(index: number): void {
    const request = this.requests[index];
    if (request === undefined) return;
    this.timeline.at(request.atMs, (nowMs) => {
      this.arriveAt(index + 1);
      const call: Call = { request, tried: [], next: 0, ...this.policy.plan(request, nowMs) };
      this.calls.push(call);
      this.tryNext(call, nowMs);
    });
  }

  private tryNext(call: Call, nowMs: number): void {
    const { order, tried } = call;
    while (call.next < order.length && (tried.length === 0 || mayRetry(call, nowMs))) {
      const candidate = order[call.next++];
      if (candidate === undefined) return;
      if (tried.length > 0 && this.policy.leavesOut(candidate, call.request, nowMs)) continue;
      if (call.next < order.length && !this.policy.hasRoom(candidate)) continue;
      return this.dispatch(call, candidate, nowMs);
    }
  }

  private dispatch(call: Call, candidate: Candidate, startedMs: number): void {
    call.tried.push(candidate.index);
    candidate.health.began();
    const waiting: Waiting = { call, candidate, startedMs, late: false };
    this.waiting.add(waiting);
    const reply = this.world.begin(call.request, candidate.index, startedMs);
    if (reply.kind === 'answered') {
      this.timeline.at(startedMs + reply.firstTokenMs, (nowMs) => this.answered(waiting, reply, nowMs));
    } else if (reply.kind === 'refused') {
      this.timeline.at(startedMs + reply.afterMs, (nowMs) => this.failed(waiting, reply, nowMs));
    }
  }

  private answered(waiting: Waiting, reply: Extract<Reply, { kind: 'answered' }>, nowMs: number): void {
    // It was given up.
    if (!this.waiting.has(waiting)) return;
    this.stopWaiting(waiting);
    const { call, candidate, startedMs } = waiting;
    candidate.health.answered(startedMs, nowMs, true);
    candidate.tally.answered(nowMs - startedMs, true);
    const firstTokenMs = nowMs - call.request.atMs;
    const { costNanoUsd, streamedMs, outputTokens, cacheReadTokens } = reply;
    call.reply = { provider: candidate.index, firstTokenMs, wholeMs: firstTokenMs + streamedMs, costNanoUsd };
    this.timeline.at(nowMs + streamedMs, () => {
      const { inputTokens } = call.request;
      candidate.tally.replied({ inputTokens, cacheReadTokens, outputTokens, streamedMs });
      this.end(candidate);
    });
  }

  private failed(
    waiting: Waiting,
    { outcome, status, retryAfterMs }: { outcome: OutcomeClass; status?: number; retryAfterMs?: number },
    nowMs: number,
  ): void {
    this.stopWaiting(waiting);
    const { call, candidate, startedMs } = waiting;
    candidate.tally.count(outcome);
    candidate.health.failed(outcome, { startedMs, nowMs, status, retryAfterMs });
    this.end(candidate);
    this.tryNext(call, nowMs);
  }

  private end(candidate: Candidate): void {
    candidate.health.ended();
    this.world.end(candidate.index);
  }

  private stopWaiting(waiting: Waiting): void {
    this.waiting.delete(waiting);
    if (waiting.late) waiting.candidate.tally.late--;
  }

  private sweep(nowMs: number): void {
    for (const waiting of [...this.waiting]) this.look(waiting, nowMs);
    if (++this.sweeps % SWEEPS_PER_SECOND === 0) this.policy.tick(nowMs);
    const isOver = this.calls.length === this.requests.length && this.waiting.size === 0;
    if (!isOver) this.timeline.at(nowMs + SWEEP_MS, (laterMs) => this.sweep(laterMs));
  }

  private look(waiting: Waiting, nowMs: number): void {
    const { candidate, startedMs } = waiting;
    const waitedMs = nowMs - startedMs;
    if (!waiting.late && candidate.health.isLate(waitedMs, true)) {
      waiting.late = true;
      candidate.tally.late++;
      candidate.health.breaker.noticeLate(startedMs);
    }
    if (waitedMs > FIRST_TOKEN_TIMEOUT_MS) this.failed(waiting, { outcome: 'timeout' }, nowMs);
  }
}

function mayRetry({ retries }: DayPlan, nowMs: number): boolean {
  return retries === undefined || retries.take(nowMs, DEFAULT_ROUTING.retries);
}
