import { LimiterUnavailableError, type Limiter, type Provider } from '@switchboard/contracts';
import { createLogger, createMetrics } from '@switchboard/platform';
import { candidate } from '../core/__fixtures__/candidate';
import { AccountLimiter, WatchedLimiter } from './__fixtures__/account-limiter';
import { ProviderAccounts, type AccountCall, type AccountEntry, type AccountRoom } from './provider-accounts';

const newLimiter = (): Limiter => new AccountLimiter();

/** Times are the test's own: nothing happens by waiting but what a timer was set for. */
beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
/** Everything that needs no time to pass has happened. */
const settled = (): Promise<void> => pass(0);

const provider = (limits: Provider['limits']): Provider => candidate({ id: 'main', limits }).provider;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

interface Entering extends Partial<AccountCall> {
  mayWait?: boolean;
}

/** The accounts of one edge, and what its calls were told, in order. */
class TestEdge {
  readonly limiter: WatchedLimiter;
  readonly metrics = createMetrics();
  readonly logged: string[] = [];
  readonly accounts: ProviderAccounts;
  readonly rooms = new Map<string, AccountRoom>();
  /** Of the calls that found none: when to try again. */
  readonly refused = new Map<string, number>();

  constructor(
    private readonly limits: Provider['limits'],
    { limiter = newLimiter(), ...bounds }: { limiter?: Limiter; waitMsMax?: number; waitingMax?: number } = {},
  ) {
    this.limiter = new WatchedLimiter(limiter);
    const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void this.logged.push(line) });
    this.accounts = new ProviderAccounts({ limiter: this.limiter, metrics: this.metrics, log, ...bounds });
  }

  enter(id: string, { mayWait = true, ...changes }: Entering = {}): AccountEntry {
    const call = { id, tenantId: 'acme', inputTokens: 10, outputTokens: 100, startedAtMs: Date.now(), ...changes };
    const entry = this.accounts.enter(provider(this.limits), call, mayWait)!;
    void entry.outcome.then((told) => {
      if ('full' in told) this.refused.set(id, told.retryAfterMs);
      else this.rooms.set(id, told);
    });
    return entry;
  }

  get entered(): string[] {
    return [...this.rooms.keys()];
  }

  /** Of the lines in the log. */
  get levels(): string[] {
    return this.logged.map((line) => (JSON.parse(line) as { level: string }).level);
  }

  leave(id: string, spent?: { inputTokens: number; outputTokens: number }): void {
    this.rooms.get(id)!.leave(spent);
  }

  async count(outcome: string): Promise<number> {
    const { values } = await this.metrics.registry.getSingleMetric('switchboard_provider_account_total')!.get();
    return values.find(({ labels }) => labels.outcome === outcome && labels.provider === 'main')?.value ?? 0;
  }

  async waiting(): Promise<number | undefined> {
    const { values } = await this.metrics.registry.getSingleMetric('switchboard_provider_account_waiting')!.get();
    return values[0]?.value;
  }
}

describe('a provider’s account', () => {
  it('concerns no call where it has no limits, or nobody counts them', () => {
    const edge = new TestEdge({});
    const call = { id: 'a', tenantId: 'acme', inputTokens: 1, outputTokens: 1, startedAtMs: 0 };
    expect(edge.accounts.enter(provider({}), call, true)).toBeUndefined();
    const [metrics, log] = [createMetrics(), createLogger({ level: 'silent', name: 'test' })];
    const uncounted = new ProviderAccounts({ limiter: undefined, metrics, log });
    expect(uncounted.enter(provider({ rpm: 1 }), call, true)).toBeUndefined();
    expect(edge.limiter.asked).toEqual([]);
  });

  it('never holds more calls at once than it may, and all get their turn', async () => {
    const edge = new TestEdge({ concurrency: 3 });
    for (const index of numbers(50)) edge.enter(`c${index}`);
    for (const index of numbers(50)) {
      await settled();
      expect(edge.entered.length - index).toBe(Math.min(3, 50 - index));
      edge.leave(edge.entered[index]!);
    }
    expect([edge.entered.length, edge.refused.size]).toEqual([50, 0]);
  });

  it('takes no more calls a minute than it may, and more as time passes', async () => {
    const edge = new TestEdge({ rpm: 60 });
    for (const index of numbers(70)) edge.enter(`c${index}`);
    await settled();
    expect(edge.entered).toHaveLength(60);
    await pass(2_900);
    expect(edge.entered).toHaveLength(62);
  });

  it('gives the room that a call leaves to the next in line without a pause', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const id of ['first', 'second', 'third']) edge.enter(id);
    await pass(100);
    expect(edge.entered).toEqual(['first']);
    edge.leave('first');
    await settled();
    expect(edge.entered).toEqual(['first', 'second']);
  });

  it('gives room without a pause that was left while the limiter still denied it', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.enter('first');
    await settled();
    let release = edge.limiter.holdUp();
    edge.enter('denied');
    await settled();
    edge.leave('first');
    release();
    await settled();
    expect(edge.entered).toEqual(['first', 'denied']);
    edge.enter('waits');
    await settled();
    release = edge.limiter.holdUp();
    await pass(250);
    edge.leave('denied');
    release();
    await settled();
    expect(edge.entered).toEqual(['first', 'denied', 'waits']);
  });

  it('lets tenants take turns, whatever the length of their queues', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.enter('first');
    for (const index of numbers(100)) edge.enter(`a${index}`, { tenantId: 'a' });
    edge.enter('b', { tenantId: 'b' });
    await settled();
    for (const index of numbers(4)) {
      edge.leave(edge.entered[index]!);
      await settled();
    }
    expect(edge.entered).toEqual(['first', 'a0', 'b', 'a1', 'a2']);
  });

  it('lets nobody overtake those who wait', async () => {
    const edge = new TestEdge({ rpm: 60 });
    for (const index of numbers(61)) edge.enter(`c${index}`);
    await settled();
    edge.limiter.asked.length = 0;
    edge.enter('impatient', { mayWait: false });
    edge.enter('patient', { tenantId: 'other' });
    await settled();
    expect(edge.limiter.asked).toEqual([]);
    expect(edge.refused).toEqual(new Map([['impatient', 1_000]]));
    await pass(2_500);
    expect(edge.entered.slice(60)).toEqual(['c60', 'patient']);
  });

  it('tells who may not wait at once that it is full, and when to try again', async () => {
    const edge = new TestEdge({ rpm: 20 });
    for (const index of numbers(21)) edge.enter(`c${index}`, { mayWait: false });
    await settled();
    expect(edge.entered).toHaveLength(20);
    expect(edge.refused).toEqual(new Map([['c20', 3_000]]));
    expect(await edge.waiting()).toBe(0);
  });

  it('keeps no more calls waiting than it may', async () => {
    const edge = new TestEdge({ concurrency: 1 }, { waitingMax: 2 });
    for (const index of numbers(5)) edge.enter(`c${index}`);
    await settled();
    edge.enter('late');
    await settled();
    expect([...edge.refused.keys()]).toEqual(['c3', 'c4', 'late']);
    expect(await edge.waiting()).toBe(2);
  });

  it('keeps 1,000 calls waiting', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const index of numbers(1_002)) edge.enter(`c${index}`);
    await settled();
    expect([edge.entered.length, await edge.waiting(), edge.refused.size]).toEqual([1, 1_000, 1]);
  });

  it('lets nobody wait for longer than 5 s, and says when to try again', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const index of numbers(10)) edge.enter(`c${index}`);
    await pass(4_999);
    expect(edge.refused.size).toBe(0);
    await pass(1);
    expect([...edge.refused.values()]).toEqual(numbers(9).map(() => 1_000));
    expect(await edge.waiting()).toBe(0);
    edge.leave('c0');
    edge.enter('next');
    await settled();
    expect(edge.entered).toEqual(['c0', 'next']);
  });

  it('refuses nobody whose time is up while the limiter grants it room', async () => {
    const edge = new TestEdge({ concurrency: 1 }, { waitMsMax: 100 });
    for (const id of ['first', 'second', 'third']) edge.enter(id);
    await pass(95);
    const release = edge.limiter.holdUp();
    edge.leave('first');
    await pass(10);
    release();
    await settled();
    expect(edge.entered).toEqual(['first', 'second']);
    expect([...edge.refused.keys()]).toEqual(['third']);
  });

  it('refuses whose time is up while the limiter denies it room', async () => {
    const edge = new TestEdge({ concurrency: 1 }, { waitMsMax: 255 });
    for (const id of ['first', 'second']) edge.enter(id);
    await settled();
    const release = edge.limiter.holdUp();
    await pass(300);
    release();
    await settled();
    expect([...edge.refused.keys()]).toEqual(['second']);
    expect(await edge.waiting()).toBe(0);
  });

  it('is asked for one call at a time while calls wait', async () => {
    const edge = new TestEdge({ concurrency: 2 });
    for (const id of ['first', 'second', 'third', 'fourth']) edge.enter(id);
    await settled();
    const release = edge.limiter.holdUp();
    edge.limiter.asked.length = 0;
    for (const id of ['first', 'second']) edge.leave(id);
    await settled();
    expect(edge.limiter.asked).toEqual(['third']);
    release();
    await settled();
    expect(edge.entered).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('leaves no timer behind once nobody waits', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const id of ['first', 'second']) edge.enter(id);
    await settled();
    expect(jest.getTimerCount()).toBe(2);
    edge.leave('first');
    await settled();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is asked for a few times a second while it is full, however many wait', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const index of numbers(500)) edge.enter(`c${index}`);
    await settled();
    edge.limiter.asked.length = 0;
    await pass(2_000);
    expect(edge.limiter.asked.length).toBeLessThanOrEqual(8);
    expect(edge.limiter.asked.length).toBeGreaterThanOrEqual(7);
  });

  it('is tried again no sooner than after 5 ms', async () => {
    const edge = new TestEdge({ tpm: 6_000_000 });
    edge.enter('first');
    await settled();
    edge.leave('first', { inputTokens: 5_999_990, outputTokens: 0 });
    edge.enter('second');
    await pass(4);
    expect(edge.limiter.asked).toEqual(['first', 'second']);
    await pass(1);
    expect(edge.entered).toEqual(['first', 'second']);
  });

  it('keeps no process alive', async () => {
    jest.useRealTimers();
    const edge = new TestEdge({ concurrency: 1 });
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    for (const id of ['first', 'second']) edge.enter(id);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await edge.waiting()).toBe(1);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
    edge.leave('first');
  });
});

describe('a client that leaves', () => {
  it('waits no longer, and is told nothing', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.enter('first');
    const entry = edge.enter('second');
    edge.enter('third');
    await settled();
    entry.cancel();
    expect(await edge.waiting()).toBe(1);
    edge.leave('first');
    await pass(6_000);
    expect(edge.entered).toEqual(['first', 'third']);
    expect(edge.refused.size).toBe(0);
  });

  it('gives back the room that comes too late, and the next gets it', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const id of ['first', 'second']) edge.enter(id);
    const entry = edge.enter('third');
    await settled();
    edge.leave('first');
    await settled();
    const release = edge.limiter.holdUp();
    edge.leave('second');
    edge.enter('fourth');
    await settled();
    entry.cancel();
    release();
    await settled();
    expect(edge.entered).toEqual(['first', 'second', 'fourth']);
    expect(edge.limiter.settled.at(-1)).toEqual({
      ...{ requestId: 'third', group: 'provider:main', scopes: [{ scope: 'provider:main', budgets: [] }] },
      ...{ nanoUsd: 0, inputTokens: 0, outputTokens: 0 },
    });
  });

  it('gives back what it never waited for', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.enter('first').cancel();
    await settled();
    expect(edge.entered).toEqual([]);
    edge.enter('second');
    await settled();
    expect(edge.entered).toEqual(['second']);
  });

  it('does not join the queue when it is denied afterwards', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.enter('first');
    edge.enter('second').cancel();
    await settled();
    expect(await edge.waiting()).toBe(0);
  });

  it('keeps the room it was told of, until it leaves it', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    const entry = edge.enter('first');
    await settled();
    entry.cancel();
    expect(edge.limiter.settled).toEqual([]);
  });
});

describe('room', () => {
  it('is left once, with what was used', async () => {
    const edge = new TestEdge({ concurrency: 2 });
    edge.enter('first');
    await settled();
    edge.leave('first', { inputTokens: 12, outputTokens: 34 });
    edge.leave('first');
    expect(edge.limiter.settled).toEqual([
      {
        ...{ requestId: 'first', group: 'provider:main', scopes: [{ scope: 'provider:main', budgets: [] }] },
        ...{ nanoUsd: 0, inputTokens: 12, outputTokens: 34 },
      },
    ]);
  });

  it('of tokens is given back as far as it was not used', async () => {
    const edge = new TestEdge({ tpm: 1_000 });
    const large = { inputTokens: 600, outputTokens: 100 };
    edge.enter('first', large);
    edge.enter('second', large);
    await settled();
    expect(edge.entered).toEqual(['first']);
    edge.leave('first', { inputTokens: 300, outputTokens: 0 });
    await settled();
    expect(edge.entered).toEqual(['first', 'second']);
  });
});

describe('tokens per minute', () => {
  it('are not exceeded by what calls set aside', async () => {
    const edge = new TestEdge({ tpm: 1_000 });
    for (const index of numbers(20)) edge.enter(`c${index}`, { inputTokens: 50, outputTokens: 50, mayWait: false });
    await settled();
    expect(edge.entered).toHaveLength(10);
  });

  it('let a call pass that may write more than all of them, and others beside it', async () => {
    const edge = new TestEdge({ tpm: 10_000 });
    for (const index of numbers(5)) edge.enter(`c${index}`, { inputTokens: 10, outputTokens: 64_000, mayWait: false });
    await settled();
    expect(edge.entered).toEqual(['c0', 'c1', 'c2']);
    expect(edge.refused.get('c3')).toBeLessThan(60_000);
  });

  it('let a call pass whose prompt alone is more than all of them, once the account is idle', async () => {
    const edge = new TestEdge({ tpm: 1_000 });
    const huge = { inputTokens: 5_000, outputTokens: 5_000 };
    edge.enter('small');
    edge.enter('too early', { ...huge, mayWait: false });
    await settled();
    expect(edge.entered).toEqual(['small']);
    edge.leave('small');
    edge.enter('huge', { ...huge, mayWait: false });
    await settled();
    expect(edge.entered).toEqual(['small', 'huge']);
  });

  it('are made up for by waiting where a call used more than it had set aside', async () => {
    const edge = new TestEdge({ tpm: 1_000 });
    edge.enter('first', { inputTokens: 10, outputTokens: 5_000 });
    await settled();
    edge.leave('first', { inputTokens: 10, outputTokens: 2_990 });
    edge.enter('second', { inputTokens: 10, outputTokens: 90, mayWait: false });
    await settled();
    expect(edge.refused.get('second')).toBe(126_000);
  });
});

describe('while the limiter is away', () => {
  const away = new LimiterUnavailableError('the limiter is away');

  it('calls go ahead, and each outage is one line in the log', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const outage of [0, 1]) {
      edge.limiter.failure = away;
      for (const index of numbers(5)) edge.enter(`${outage}:${index}`, { mayWait: index % 2 === 0 });
      await settled();
      edge.leave(`${outage}:0`, { inputTokens: 1, outputTokens: 1 });
      edge.limiter.failure = undefined;
      edge.enter(`${outage}:back`, { mayWait: false });
      await settled();
      edge.leave(`${outage}:back`);
    }
    expect(edge.entered).toHaveLength(12);
    expect(edge.limiter.settled).toHaveLength(2);
    expect(edge.levels).toEqual(['warn', 'warn']);
    expect(await edge.count('unlimited_unavailable')).toBe(10);
  });

  it('those who wait go ahead too', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    for (const index of numbers(5)) edge.enter(`c${index}`);
    await settled();
    edge.limiter.failure = away;
    await pass(250);
    expect(edge.entered).toHaveLength(5);
    expect(await edge.waiting()).toBe(0);
  });

  it('a fault of the limiter’s own stops no call, and is an error in the log', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.limiter.failure = new TypeError('a fault');
    for (const index of numbers(2)) edge.enter(`c${index}`);
    await settled();
    expect(edge.entered).toHaveLength(2);
    edge.limiter.failure = away;
    edge.enter('outage');
    await settled();
    expect(edge.levels).toEqual(['error', 'error', 'warn']);
  });
});

describe('a limit that no call fits', () => {
  it('refuses at once, also those who may wait', async () => {
    const edge = new TestEdge({ rpm: 0 });
    edge.enter('first');
    await settled();
    expect(edge.refused).toEqual(new Map([['first', 60_000]]));
  });
});

describe('two edges with one account', () => {
  it('hold no more calls at once than it may, together', async () => {
    const limiter = newLimiter();
    const edges = [new TestEdge({ concurrency: 4 }, { limiter }), new TestEdge({ concurrency: 4 }, { limiter })];
    for (const index of numbers(40)) edges[index % 2]!.enter(`c${index}`);
    const left = new Set<string>();
    let most = 0;
    for (let round = 0; left.size < 40 && round < 1_000; round++) {
      await pass(20);
      const open = edges.flatMap((edge) => edge.entered.filter((id) => !left.has(id)).map((id) => [edge, id] as const));
      most = Math.max(most, open.length);
      const [edge, id] = open[round % open.length]!;
      left.add(id);
      edge.leave(id);
    }
    expect([most, left.size]).toEqual([4, 40]);
  });

  it('take no more calls a minute than it may, together', async () => {
    const limiter = newLimiter();
    const edges = [new TestEdge({ rpm: 20 }, { limiter }), new TestEdge({ rpm: 20 }, { limiter })];
    for (const index of numbers(50)) edges[index % 2]!.enter(`c${index}`);
    await pass(2_900);
    expect(edges.flatMap(({ entered }) => entered)).toHaveLength(20);
    await pass(350);
    expect(edges.flatMap(({ entered }) => entered)).toHaveLength(21);
  });

  it('notice what the other frees within 250 ms', async () => {
    const limiter = newLimiter();
    const [one, other] = [new TestEdge({ concurrency: 1 }, { limiter }), new TestEdge({ concurrency: 1 }, { limiter })];
    one.enter('first');
    await settled();
    other.enter('second');
    await pass(1_000);
    one.leave('first');
    await pass(250);
    expect(other.entered).toEqual(['second']);
  });
});

describe('metrics', () => {
  it('count what came of each call, who waits, and for how long', async () => {
    const edge = new TestEdge({ concurrency: 1 });
    edge.enter('entered');
    edge.enter('waits');
    edge.enter('full', { mayWait: false });
    await pass(750);
    expect(await edge.waiting()).toBe(1);
    edge.leave('entered');
    await settled();
    expect([await edge.count('entered'), await edge.count('waited'), await edge.count('full')]).toEqual([1, 1, 1]);
    const text = await edge.metrics.registry.metrics();
    expect(text).toContain('switchboard_provider_account_wait_seconds_count{provider="main"} 1');
    expect(text).toContain('switchboard_provider_account_wait_seconds_sum{provider="main"} 0.75');
  });
});
