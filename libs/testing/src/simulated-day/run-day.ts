import { FIRST_TOKEN_LIMIT_MS, type Answer, type DayWorld } from './day-world';
import { EventQueue } from './event-queue';
import type { DayRequest } from './requests';
import type { Route, Way } from './ways';

/** What a request came to. */
export interface DayResult {
  /** Index of the provider that answered; absent: none did. */
  provider?: number;
  attempts: number;
  /** From when it was due; with the attempts that failed. */
  firstTokenMs: number;
  totalMs: number;
  costNanoUsd: number;
}

/** An edge looks at the calls under way so often. */
const SWEEP_MS = 250;

/** Sends every request of the day, each when it is due, by one way of routing. Results in the order of the requests. */
export function runDay(way: Way, world: DayWorld, requests: readonly DayRequest[]): DayResult[] {
  const queue = new EventQueue();
  const results: DayResult[] = [];
  requests.forEach((request, index) => {
    queue.at(request.dueMs, () => {
      const call = new DayCall(queue, world, request, (result) => (results[index] = result));
      call.tryNext(way.route(request, queue.nowMs));
    });
  });
  queue.runAll();
  return results;
}

/** One request on its way. */
class DayCall {
  private attempts = 0;

  constructor(
    private readonly queue: EventQueue,
    private readonly world: DayWorld,
    private readonly request: DayRequest,
    private readonly done: (result: DayResult) => void,
  ) {}

  tryNext(route: Route): void {
    const { queue, request } = this;
    const index = route.next(queue.nowMs);
    if (index === undefined) {
      const totalMs = queue.nowMs - request.dueMs;
      return this.done({ attempts: this.attempts, firstTokenMs: totalMs, totalMs, costNanoUsd: 0 });
    }
    this.attempts++;
    const answer = this.world.ask(index, request, queue.nowMs);
    if (answer.ok) this.answered(route, index, answer);
    else this.failed(route, index, answer);
  }

  private answered(route: Route, index: number, answer: Answer & { ok: true }): void {
    const { queue, request } = this;
    const startedMs = queue.nowMs;
    const asked = route.asked?.(index, startedMs);
    this.wait(startedMs + answer.firstTokenAfterMs, (nowMs) => asked?.waits(nowMs));
    queue.at(startedMs + answer.firstTokenAfterMs, () => asked?.answered(queue.nowMs));
    queue.at(startedMs + answer.endsAfterMs, () => {
      this.world.end(index);
      asked?.ended(request, queue.nowMs);
    });
    const waitedMs = startedMs - request.dueMs;
    this.done({
      ...{ provider: index, attempts: this.attempts, costNanoUsd: answer.costNanoUsd },
      firstTokenMs: waitedMs + answer.firstTokenAfterMs,
      totalMs: waitedMs + answer.endsAfterMs,
    });
  }

  private failed(route: Route, index: number, answer: Answer & { ok: false }): void {
    const { queue, request } = this;
    const asked = route.asked?.(index, queue.nowMs);
    this.wait(queue.nowMs + answer.afterMs, (nowMs) => asked?.waits(nowMs));
    queue.at(queue.nowMs + Math.min(answer.afterMs, FIRST_TOKEN_LIMIT_MS), () => {
      this.world.end(index);
      asked?.failed(answer, queue.nowMs);
      asked?.ended(request, queue.nowMs);
      this.tryNext(route);
    });
  }

  private wait(untilMs: number, waits: (nowMs: number) => void): void {
    for (let atMs = this.queue.nowMs + SWEEP_MS; atMs < untilMs; atMs += SWEEP_MS)
      this.queue.at(atMs, () => waits(atMs));
  }
}
