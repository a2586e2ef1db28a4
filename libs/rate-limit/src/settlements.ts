import type { LimiterStep, LimiterStepReply, Settlement } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenReservation } from './core/open-reservations';

/** Short: those that wait have to be taken before the limiter, back with its store, asks the ledger, which knows them. */
const RETRY_MS = 50;
/** At once: after an outage everything that waited is due. */
const SENT_AT_ONCE = 256;
/** More is forgotten, the newest first, and expires with its reservation. */
const WAITING_MAX = 100_000;

export interface SettlementsOptions {
  /** Rejects while the limiter is away. */
  perform: (step: LimiterStep) => Promise<LimiterStepReply>;
  log: Logger;
}

type SettleStep = LimiterStep & { do: 'settle' };

/** Settlements on their way, each sent until it is taken. */
export class Settlements {
  private readonly untaken = new Set<SettleStep>();
  private waiting: SettleStep[] = [];
  private retry: NodeJS.Timeout | undefined;
  private failing = false;
  private givenUp = false;

  constructor(private readonly options: SettlementsOptions) {}

  /** `reservation`: what it settles, to put back what the store may have lost. */
  add(settlement: Settlement, reservation: OpenReservation | undefined): void {
    if (this.untaken.size >= WAITING_MAX) {
      this.options.log.error(
        { requestId: settlement.requestId },
        'too many settlements wait: this one is left to expire',
      );
      return;
    }
    const step: SettleStep = { do: 'settle', settlement };
    this.untaken.add(step);
    if (this.failing) this.later(step);
    else this.send(step, reservation);
    if (reservation !== undefined) this.reservations.set(step, reservation);
  }

  async close(timeoutMs: number): Promise<void> {
    const givesUpAtMs = performance.now() + timeoutMs;
    this.sendWaiting();
    while (this.untaken.size > 0 && performance.now() < givesUpAtMs) await delay(10);
    clearTimeout(this.retry);
    this.givenUp = true;
    const { size } = this.untaken;
    if (size > 0) this.options.log.error({ settlements: size }, 'settlements that nobody took are left to expire');
  }

  private readonly reservations = new WeakMap<SettleStep, OpenReservation>();

  private send(step: SettleStep, reservation = this.reservations.get(step)): void {
    this.options.perform(step).then(
      ({ outcome }) => this.taken(step, outcome, reservation),
      (error: unknown) => {
        if (!this.failing) this.options.log.warn({ err: error }, 'settlements wait for the limiter');
        this.failing = true;
        this.later(step);
      },
    );
  }

  private taken(step: SettleStep, outcome: string, reservation: OpenReservation | undefined): void {
    if (this.failing) {
      this.options.log.info('settlements are taken again');
      this.failing = false;
      this.sendWaiting();
    }
    const lost = outcome === 'unknown' && step.request === undefined && reservation !== undefined;
    if (!lost || reservation === undefined) {
      this.untaken.delete(step);
      return;
    }
    const { request, outputTokens, heldNanoUsd } = reservation;
    Object.assign(step, { request, outputTokens, heldNanoUsd });
    this.send(step);
  }

  private later(step: SettleStep): void {
    if (this.givenUp) return;
    this.waiting.push(step);
    this.retry ??= setTimeout(() => this.sendWaiting(), RETRY_MS).unref();
  }

  /** One first, while it is not known whether anybody takes them. */
  private sendWaiting(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    const sent = this.waiting.splice(0, this.failing ? 1 : SENT_AT_ONCE);
    for (const step of sent) this.send(step);
    if (this.waiting.length > 0) this.retry = setTimeout(() => this.sendWaiting(), this.failing ? RETRY_MS : 1).unref();
  }
}
