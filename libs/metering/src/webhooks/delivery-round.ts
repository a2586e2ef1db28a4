import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_BRAND, type Logger, openWebhook, type Pool, SealError, type Sealer } from '@switchboard/platform';
import { Deliveries, type TakenDelivery } from './adapters/deliveries';
import { post, type PostingResult } from './adapters/post';
import { retryPauseMs } from './core/retry-schedule';
import { signedHeaders } from './core/signature';
import type { WebhookMetrics } from './webhook-metrics';

/** Attempts at once. */
const SLOTS = 32;
/** Of one webhook: receivers that hang have their own few. */
const SLOTS_EACH = 2;
/** How soon what has become due is looked for while attempts are under way. */
const LOOK_MS = 1_000;
/** A round takes up nothing more after it: the next one does. */
const ROUND_MS = 30_000;
const KEPT_MS = 30 * 24 * 3_600_000;

export interface DeliveryRoundOptions {
  pool: Pool;
  sealer: Pick<Sealer, 'open'>;
  log: Logger;
  metrics: WebhookMetrics;
  nowMs?: () => number;
}

/**
 * Posts what is due to the webhooks it is for: at least once, for a process may die between an answer and its being noted.
 * A receiver that does not answer has a few attempts under way at most, so that the others are served meanwhile.
 */
export class DeliveryRound {
  private readonly deliveries: Deliveries;
  private readonly nowMs: () => number;

  constructor(private readonly options: DeliveryRoundOptions) {
    this.deliveries = new Deliveries(options.pool);
    this.nowMs = options.nowMs ?? Date.now;
  }

  /** Resolves when nothing more is due and all attempts have ended. */
  async run(signal: AbortSignal): Promise<void> {
    await this.deliveries.forget(this.nowMs() - KEPT_MS);
    const underWay = new Map<Promise<void>, string>();
    const faults: unknown[] = [];
    const endsAt = performance.now() + ROUND_MS;
    while (!signal.aborted && faults.length === 0 && performance.now() < endsAt) {
      const taken = await this.take([...underWay.values()]);
      for (const delivery of taken) {
        const attempt: Promise<void> = this.attempt(delivery, signal)
          .catch((error: unknown) => void faults.push(error))
          .finally(() => underWay.delete(attempt));
        underWay.set(attempt, delivery.webhookId);
      }
      if (underWay.size === 0) break;
      await firstOf([...underWay.keys()]);
    }
    await Promise.all(underWay.keys());
    if (faults.length > 0) throw faults[0];
  }

  private take(busy: readonly string[]): Promise<TakenDelivery[]> {
    const all = SLOTS - busy.length;
    return all <= 0 ? Promise.resolve([]) : this.deliveries.take(this.nowMs(), { all, each: SLOTS_EACH, busy });
  }

  private async attempt(delivery: TakenDelivery, signal: AbortSignal): Promise<void> {
    if (!delivery.active) {
      await this.deliveries.end(
        delivery,
        { status: 'failed', result: { error: 'the webhook is switched off' } },
        this.nowMs(),
      );
      return;
    }
    let result: PostingResult;
    try {
      result = await this.send(delivery, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      await this.deliveries.giveBack(delivery, this.nowMs());
      return;
    }
    await this.conclude(delivery, result);
  }

  private send(delivery: TakenDelivery, signal: AbortSignal): Promise<PostingResult> {
    const { webhookId, eventId, body, trustedNetwork, slug } = delivery;
    let secrets;
    try {
      secrets = openWebhook(webhookId, delivery.sealed, this.options.sealer);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      this.options.log.error({ webhook: webhookId, reason: error.message }, 'the secret of a webhook cannot be opened');
      return Promise.resolve({ error: 'its secret cannot be opened: give its url anew and rotate the secret' });
    }
    const signedBy = { slug: slug ?? DEFAULT_BRAND.slug, secret: secrets.secret };
    const headers = signedHeaders(signedBy, { id: eventId, body }, this.nowMs());
    return post({ url: new URL(delivery.url + secrets.query), trustedNetwork, headers, body }, signal);
  }

  private async conclude(delivery: TakenDelivery, result: PostingResult): Promise<void> {
    const { log, metrics } = this.options;
    const nowMs = this.nowMs();
    const about = { webhook: delivery.webhookId, event: delivery.eventType, delivery: delivery.id };
    if (result.error === undefined) {
      metrics.deliveries.inc({ result: 'delivered' });
      return this.deliveries.end(delivery, { status: 'delivered', result }, nowMs);
    }
    if (result.status === 410) {
      metrics.deliveries.inc({ result: 'gone' });
      if (await this.deliveries.switchOff(delivery, result, nowMs)) {
        log.warn(about, 'a webhook is switched off: its receiver answers that it is gone');
      }
      return;
    }
    const pauseMs = retryPauseMs(delivery.attempts, Math.random());
    if (pauseMs !== undefined) {
      metrics.deliveries.inc({ result: 'retried' });
      return this.deliveries.retry(delivery, result, nowMs + pauseMs);
    }
    metrics.deliveries.inc({ result: 'failed' });
    const { status } = result;
    log.warn({ ...about, status, attempts: delivery.attempts }, 'a delivery to a webhook is given up');
    await this.deliveries.end(delivery, { status: 'failed', result }, nowMs);
  }
}

/** At least one of them has ended, or it is time to look again. */
async function firstOf(attempts: readonly Promise<void>[]): Promise<void> {
  const looking = new AbortController();
  const look = delay(LOOK_MS, undefined, { signal: looking.signal }).catch(() => undefined);
  await Promise.race([...attempts, look]);
  looking.abort();
}
