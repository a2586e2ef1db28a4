import type { Limiter, ReservationReply, ReservationRequest } from '@switchboard/contracts';
import { FairQueue } from '../core/fair-queue';

/** Room in an account; left once, with what was used (absent: nothing was). A second time is ignored. */
export interface AccountRoom {
  leave(spent?: { inputTokens: number; outputTokens: number }): void;
}

/** The account is full. */
export interface AccountFull {
  full: true;
  /** From when on there may be room. */
  retryAfterMs: number;
}

/** A call on its way into an account. */
export interface AccountEntry {
  /** Never rejects. */
  readonly outcome: Promise<AccountRoom | AccountFull>;
  /**
   * The client has left: it waits no longer, room that still comes is given back, and `outcome` never settles. Without
   * effect once `outcome` has settled: then the room is to be left.
   */
  cancel(): void;
}

/**
 * `entered` at once; `waited`, then entered; `full`, at once or after waiting; `unlimited_unavailable`: the limiter could
 * not be asked, and the call went on without room.
 */
export type EntryOutcome = 'entered' | 'waited' | 'full' | 'unlimited_unavailable';

export interface AccountLineOptions {
  limiter: Limiter;
  /** How long a call waits at most. */
  waitMsMax: number;
  /** How many calls do. */
  waitingMax: number;
  /** `waitedMs` absent: it did not wait. */
  onOutcome: (outcome: EntryOutcome, waitedMs: number | undefined) => void;
  /** The limiter has decided, or could not: then with what it said. */
  onAsked: (error?: unknown) => void;
}

/** Between two tries: room that another edge frees is noticed by trying, and none is tried for in a busy loop. */
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 250;
/** Where the limiter says that waiting does not help: until somebody may have raised the limit. */
const NEVER_MS = 60_000;

/** For a call that goes on although nobody counts it. */
const UNCOUNTED: AccountRoom = { leave: () => undefined };
const NOTHING = { inputTokens: 0, outputTokens: 0 };

/**
 * The calls of this edge that want into one account. While nobody waits each asks the limiter by itself. Once one is
 * denied, those who may wait stand in a queue that is fair across tenants, and only its first is asked for, one at a time,
 * so that nobody overtakes and a full account costs the limiter a few questions a second. It does not look past the first
 * for a smaller call that would fit: large ones would starve. Whoever leaves room has the next one asked for at once.
 */
export class AccountLine {
  private readonly queue = new FairQueue<Entrant>();
  private askedFor: Entrant | undefined;
  private retry: NodeJS.Timeout | undefined;
  private retryAfterMs = RETRY_MS_MIN;
  /** How often a call of this edge left: a denial from before the last time says nothing about now. */
  private departures = 0;

  constructor(private readonly options: AccountLineOptions) {}

  get waiting(): number {
    return this.queue.size;
  }

  enter(tenantId: string, request: ReservationRequest, mayWait: boolean): AccountEntry {
    const entrant = new Entrant(tenantId, request, () => this.queue.remove(tenantId, entrant));
    if (this.queue.size > 0) this.joinOrRefuse(entrant, mayWait);
    else void this.enterDirectly(entrant, mayWait);
    return entrant;
  }

  private async enterDirectly(entrant: Entrant, mayWait: boolean): Promise<void> {
    const { departures } = this;
    if ((await this.ask(entrant)) || entrant.over) return;
    this.joinOrRefuse(entrant, mayWait);
    if (this.departures !== departures) void this.askForFirst();
  }

  private joinOrRefuse(entrant: Entrant, mayWait: boolean): void {
    const { waitMsMax, waitingMax } = this.options;
    if (!mayWait || this.queue.size >= waitingMax) return this.refuse(entrant);
    this.queue.push(entrant.tenantId, entrant);
    entrant.wait(waitMsMax, () => {
      // Of whom is being asked for the answer is near: it decides.
      if (entrant !== this.askedFor) this.refuse(entrant);
    });
    this.tryLater();
  }

  /** One after the other, for as long as there is room. */
  private async askForFirst(): Promise<void> {
    if (this.askedFor !== undefined) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    let first: Entrant | undefined;
    while ((first = this.queue.first()) !== undefined) {
      const { departures } = this;
      this.askedFor = first;
      const answered = await this.ask(first);
      this.askedFor = undefined;
      if (answered) continue;
      if (first.late) this.refuse(first);
      if (this.departures === departures) break;
    }
    this.tryLater();
  }

  private tryLater(): void {
    if (this.queue.size === 0 || this.askedFor !== undefined || this.retry !== undefined) return;
    const afterMs = Math.min(Math.max(this.retryAfterMs, RETRY_MS_MIN), RETRY_MS_MAX);
    this.retry = setTimeout(() => void this.askForFirst(), afterMs).unref();
  }

  /** False: there is no room now, and unless it was cancelled the call is still to be told. Never rejects. */
  private async ask(entrant: Entrant): Promise<boolean> {
    const { limiter, onAsked } = this.options;
    let reply: ReservationReply;
    try {
      reply = await limiter.reserve(entrant.request);
    } catch (error) {
      onAsked(error);
      this.decide(entrant, 'unlimited_unavailable', UNCOUNTED);
      return true;
    }
    onAsked();
    if (reply.outcome === 'granted') {
      this.admit(entrant);
      return true;
    }
    if (reply.retryAfterMs === undefined) {
      this.refuse(entrant, NEVER_MS);
      return true;
    }
    this.retryAfterMs = reply.retryAfterMs;
    return false;
  }

  private admit(entrant: Entrant): void {
    const room = new ReservedRoom(this.options.limiter, entrant.request, () => this.departed());
    if (entrant.over) return room.leave();
    this.decide(entrant, entrant.waitedMs() === undefined ? 'entered' : 'waited', room);
  }

  private departed(): void {
    this.departures++;
    if (this.queue.size > 0) void this.askForFirst();
  }

  private refuse(entrant: Entrant, retryAfterMs = this.retryAfterMs): void {
    this.decide(entrant, 'full', { full: true, retryAfterMs });
  }

  private decide(entrant: Entrant, outcome: EntryOutcome, told: AccountRoom | AccountFull): void {
    if (entrant.over) return;
    if (outcome === 'full') this.queue.remove(entrant.tenantId, entrant);
    else this.queue.serve(entrant.tenantId, entrant);
    this.options.onOutcome(outcome, entrant.waitedMs());
    entrant.tell(told);
  }
}

class Entrant implements AccountEntry {
  readonly outcome: Promise<AccountRoom | AccountFull>;
  /** Told, or cancelled. */
  over = false;
  /** It has waited for as long as it may. */
  late = false;
  private resolve!: (told: AccountRoom | AccountFull) => void;
  private waitsSinceMs: number | undefined;
  private deadline: NodeJS.Timeout | undefined;

  constructor(
    readonly tenantId: string,
    readonly request: ReservationRequest,
    private readonly onCancel: () => void,
  ) {
    this.outcome = new Promise((resolve) => (this.resolve = resolve));
  }

  wait(msMax: number, onLate: () => void): void {
    this.waitsSinceMs = performance.now();
    this.deadline = setTimeout(() => {
      this.late = true;
      onLate();
    }, msMax).unref();
  }

  /** Undefined: it never waited. */
  waitedMs(): number | undefined {
    return this.waitsSinceMs === undefined ? undefined : performance.now() - this.waitsSinceMs;
  }

  tell(told: AccountRoom | AccountFull): void {
    this.end();
    this.resolve(told);
  }

  cancel(): void {
    this.end();
    this.onCancel();
  }

  private end(): void {
    this.over = true;
    clearTimeout(this.deadline);
  }
}

class ReservedRoom implements AccountRoom {
  private left = false;

  constructor(
    private readonly limiter: Limiter,
    private readonly request: ReservationRequest,
    private readonly onLeft: () => void,
  ) {}

  leave(spent = NOTHING): void {
    if (this.left) return;
    this.left = true;
    const { requestId, group } = this.request;
    this.limiter.settle({ ...{ requestId, group, nanoUsd: 0 }, scopes: [{ scope: group, budgets: [] }], ...spent });
    this.onLeft();
  }
}
