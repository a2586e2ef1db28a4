import type { DayWorld, Answer } from './day-world';
import type { DayRequest } from './requests';

/** One way to route the day's requests. Providers go by their index; time is virtual milliseconds. */
export interface Way {
  readonly name: string;
  /** Whom a request is sent to, one after the other until one answers. */
  route(request: DayRequest, nowMs: number): Route;
}

export interface Route {
  /** Undefined: nobody is left, or may be asked. */
  next(nowMs: number): number | undefined;
  /** The one that `next` gave is being asked. */
  asked?(index: number, nowMs: number): Asked;
}

/** Told what comes of asking a provider. */
export interface Asked {
  /** A quarter of a second more without an answer. */
  waits(nowMs: number): void;
  answered(nowMs: number): void;
  failed(answer: Answer & { ok: false }, nowMs: number): void;
  /** However it ended. */
  ended(request: DayRequest, nowMs: number): void;
}

/** Everybody in turn; on a failure the next, without a memory of it. */
export class RoundRobin implements Way {
  readonly name = 'round-robin';
  private turn = 0;

  constructor(private readonly world: DayWorld) {}

  route(): Route {
    const { length } = this.world.providers;
    const first = this.turn++;
    let tried = 0;
    return { next: () => (tried < length ? (first + tried++) % length : undefined) };
  }
}

/** Knows what would come of asking each, and asks the best. */
export class Oracle implements Way {
  constructor(
    readonly name: string,
    private readonly world: DayWorld,
    /** Lower is better. */
    private readonly valueOf: (answer: Answer & { ok: true }) => number,
  ) {}

  route(request: DayRequest, nowMs: number): Route {
    let best: number | undefined;
    let lowest = Infinity;
    this.world.providers.forEach((_provider, index) => {
      const answer = this.world.foresee(index, request, nowMs);
      if (!answer.ok || this.valueOf(answer) >= lowest) return;
      lowest = this.valueOf(answer);
      best = index;
    });
    const found = best;
    let isAsked = false;
    return {
      next: () => {
        if (isAsked) return undefined;
        isAsked = true;
        return found;
      },
    };
  }
}
