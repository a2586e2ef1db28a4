import { DEFAULT_ROUTING, priceAt } from '@switchboard/contracts';
import {
  AccountHealth,
  expectedCost,
  expectedSeconds,
  hashText,
  lastResort,
  likelyCall,
  OutcomeTally,
  pick,
  rankByPolicy,
  ranksOf,
  RetryBudget,
  UpstreamHealth,
  type Choice,
  type PolicyName,
} from '@switchboard/upstreams';
import type { Random } from '../chaos/random';
import type { Answer } from './day-world';
import { MeasuredFigures } from './measured-figures';
import type { DayProvider } from './providers';
import type { DayRequest } from './requests';
import type { Asked, Route, Way } from './ways';

interface DayChoice extends Choice {
  index: number;
  provider: DayProvider;
  tally: OutcomeTally;
  figures: MeasuredFigures;
}

/** How `auto` orders, where gateway.yaml does not say. */
const AUTO_ORDER = ['tier', 'health', 'price'] as const;

/**
 * The gateway's own way: breakers, health, ranks and the pick as every edge has them, put together as an edge does it, with a
 * clock and chance of its own. What routers add (states that several edges agree on) makes no difference to one edge.
 */
export class GatewayWay implements Way {
  private readonly choices: readonly DayChoice[];
  private readonly retries = new RetryBudget();
  private measuredMs = 0;

  constructor(
    readonly name: PolicyName,
    providers: readonly DayProvider[],
    private readonly random: Random,
  ) {
    this.choices = providers.map((provider, index) => ({
      ...{ index, provider, weight: 1, hash: hashText(provider.id), rank: 0, degradedRank: 0 },
      ...{ health: new UpstreamHealth(new AccountHealth()), tally: new OutcomeTally(), figures: new MeasuredFigures() },
    }));
  }

  route(request: DayRequest, nowMs: number): Route {
    this.measure(nowMs);
    this.retries.request(nowMs);
    const order = this.choose(request, nowMs);
    let position = 0;
    return {
      next: (laterMs) => {
        while (position < order.length) {
          const choice = order[position++];
          if (choice === undefined) return undefined;
          if (position === 1) return choice.index;
          if (!this.retries.take(laterMs, DEFAULT_ROUTING.retries)) return undefined;
          if (choice.health.standing(laterMs) !== 'open') return choice.index;
        }
        return undefined;
      },
      asked: (index, sentMs) => this.asked(index, sentMs),
    };
  }

  private choose(request: DayRequest, nowMs: number): readonly DayChoice[] {
    const ranked = this.ranked(request, nowMs);
    const order = pick(ranked, { nowMs, random: () => this.random.next(), mayTry: true });
    if (order.length > 0) return order;
    const last = lastResort(ranked, nowMs);
    return last === undefined ? [] : [last];
  }

  private ranked(request: DayRequest, nowMs: number): DayChoice[] {
    return this.placed(request, nowMs).sort((left, right) => left.rank - right.rank);
  }

  private placed(request: DayRequest, nowMs: number): DayChoice[] {
    switch (this.name) {
      case 'auto':
        return this.byOrder(nowMs);
      case 'auto:cheapest':
        return this.byCost(request, nowMs);
      case 'auto:fastest':
        return this.bySpeed();
    }
  }

  private byOrder(nowMs: number): DayChoice[] {
    const compared = this.choices.map(({ provider }) => {
      const { input, output } = priceAt(provider, nowMs).prices;
      return { tier: provider.tier, price: input + output };
    });
    const ranks = ranksOf(compared, AUTO_ORDER);
    return this.choices.map((choice, index) => ({ ...choice, ...ranks[index] }));
  }

  private byCost({ inputTokens }: DayRequest, nowMs: number): DayChoice[] {
    const costs = this.choices.map(({ provider, figures }) =>
      expectedCost(priceAt(provider, nowMs).prices, likelyCall(figures.figures, inputTokens)),
    );
    return this.choices.map((choice, index) => {
      const rank = costs.filter((cost) => cost < (costs[index] ?? 0)).length;
      return { ...choice, rank, degradedRank: rank + this.choices.length };
    });
  }

  /** As routers rank them for edges, of what edges told; who is well the edge knows best. */
  private bySpeed(): DayChoice[] {
    const standings = this.choices.map((choice) => ({
      ...{ choice, tier: choice.provider.tier, state: 'healthy' as const, cost: 0 },
      seconds: expectedSeconds(choice.figures.figures),
    }));
    return rankByPolicy(this.name, AUTO_ORDER, standings).map(({ candidate: { choice }, rank }) => ({
      ...choice,
      ...{ rank, degradedRank: rank + this.choices.length + 1 },
    }));
  }

  /** As edges tell routers and routers edges, once a second. */
  private measure(nowMs: number): void {
    if (nowMs - this.measuredMs < 1_000) return;
    this.measuredMs = nowMs;
    for (const { provider, tally, figures } of this.choices) {
      figures.add(tally.take({ provider: provider.id, model: provider.id, inFlight: 0 }), nowMs);
    }
  }

  private asked(index: number, startedMs: number): Asked {
    const choice = this.choices[index];
    if (choice === undefined) throw new RangeError(`there is no provider ${index}`);
    const { health, tally } = choice;
    let answeredMs: number | undefined;
    let isLate = false;
    health.began();
    return {
      waits: (nowMs) => {
        if (isLate || !health.isLate(nowMs - startedMs, true)) return;
        isLate = true;
        health.breaker.noticeLate(startedMs);
      },
      answered: (nowMs) => {
        answeredMs = nowMs;
        health.answered(startedMs, nowMs, true);
        tally.answered(nowMs - startedMs, true);
      },
      failed: ({ outcome, status, retryAfterMs }: Answer & { ok: false }, nowMs) => {
        tally.count(outcome);
        health.failed(outcome, { startedMs, nowMs, status, retryAfterMs });
      },
      ended: ({ inputTokens, outputTokens }, nowMs) => {
        health.ended();
        if (answeredMs === undefined) return;
        tally.replied({ inputTokens, outputTokens, cacheReadTokens: 0, streamedMs: nowMs - answeredMs });
      },
    };
  }
}
