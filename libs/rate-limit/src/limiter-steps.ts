import type { LimiterStep, LimiterStepReply } from '@switchboard/contracts';
import { checkStep } from './core/check-step';
import type { Quota } from './core/quota';
import { UntriedError } from './core/untried-error';
import type { PrimedQuota } from './primed-quota';
import type { QuotaMetrics } from './quota-metrics';
import { reserveTraced, type ReserveTracing } from './reserve-spans';

export interface LimiterStepsOptions {
  quota: Quota;
  primed: PrimedQuota;
  metrics: QuotaMetrics;
  /** Absent: nothing is traced. */
  tracing?: ReserveTracing | undefined;
}

/** Performs steps; a store that is away is an answer too, and so is what is no step. */
export class LimiterSteps {
  constructor(private readonly options: LimiterStepsOptions) {}

  async perform(step: LimiterStep): Promise<LimiterStepReply> {
    const startedAtMs = performance.now();
    const reply = await this.reply(step);
    this.options.metrics.observe(step, reply, (performance.now() - startedAtMs) / 1000);
    return reply;
  }

  private async reply(step: LimiterStep): Promise<LimiterStepReply> {
    try {
      return await this.do(checkStep(step));
    } catch (error) {
      const { message } = error as Error;
      return { outcome: 'unavailable', message, ...(error instanceof UntriedError && { untried: true }) };
    }
  }

  private async do(step: LimiterStep): Promise<LimiterStepReply> {
    const { quota, primed, tracing } = this.options;
    switch (step.do) {
      case 'reserve':
        if (tracing === undefined || step.traceparent === undefined) {
          return primed.reserve(step.request, step.mayPend === true);
        }
        return reserveTraced(tracing, step, (watch) => primed.reserve(step.request, step.mayPend === true, watch));
      case 'extend':
        return quota.extend(step.request);
      case 'settle': {
        const { settlement, request, outputTokens = 0, heldNanoUsd: nanoUsd = 0 } = step;
        if (request !== undefined) await quota.restore(request, { outputTokens, nanoUsd });
        return { outcome: await quota.settle(settlement) };
      }
      case 'renew':
        return { outcome: await quota.renew(step) };
      case 'restore':
        await quota.restore(step.request, { outputTokens: step.outputTokens, nanoUsd: step.heldNanoUsd });
        return { outcome: 'done' };
    }
  }
}
