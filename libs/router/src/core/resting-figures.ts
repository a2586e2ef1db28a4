import type { UpstreamFigures } from '@switchboard/upstreams';

/** A figure that moved by less is left as it is: who follows the snapshot is not to hear of every breath. */
const MOVED_SHARE = 0.2;
/** Of shares, which may be near 0. */
const MOVED_LEAST = { firstTokenMs: 1, tokensPerSecond: 0.1, outputTokens: 1, cacheHitRate: 0.05 };
const MOVED_FOR_MS = 5_000;

type Figure = keyof UpstreamFigures;
const FIGURES = Object.keys(MOVED_LEAST) as Figure[];

/**
 * Figures that rest: each is told when it is first measured, and again when for five seconds it has been a fifth off.
 * What is ranked by them rests with them. Time is any clock in milliseconds that never goes back.
 */
export class RestingFigures {
  private readonly movedSinceMs = new Map<Figure, number>();

  constructor(private told: UpstreamFigures = {}) {}

  get current(): UpstreamFigures {
    return this.told;
  }

  update(measured: { [F in Figure]: number | undefined }, nowMs: number): void {
    for (const figure of FIGURES) {
      const value = measured[figure];
      if (value === undefined || !this.hasMoved(figure, value)) this.movedSinceMs.delete(figure);
      else if (this.told[figure] === undefined || this.hasMovedForLong(figure, nowMs)) {
        this.movedSinceMs.delete(figure);
        this.told = { ...this.told, [figure]: Number(value.toPrecision(2)) };
      }
    }
  }

  private hasMoved(figure: Figure, value: number): boolean {
    const told = this.told[figure];
    return told === undefined || Math.abs(value - told) >= Math.max(MOVED_LEAST[figure], MOVED_SHARE * told);
  }

  private hasMovedForLong(figure: Figure, nowMs: number): boolean {
    const sinceMs = this.movedSinceMs.get(figure) ?? nowMs;
    this.movedSinceMs.set(figure, sinceMs);
    return nowMs - sinceMs >= MOVED_FOR_MS;
  }
}
