import type { CatalogSource } from '@switchboard/contracts';
import type { DistributionCell, Metrics, Tally, TallyCell } from '@switchboard/platform';
import { DIALECTS, type DialectId, type Loss, type Usage } from '@switchboard/protocol';
import type { UpstreamFailure } from './core/upstream-failure';
import { ModelMetrics, type ModelCall } from './model-metrics';

const LATENCY_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const OWN_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** In the exposition from the start: a status that was never answered reads as 0. */
const STATUSES = [200, 400, 401, 402, 403, 404, 413, 429, 499, 500, 502, 503, 504];

export type AttemptOutcome = 'ok' | UpstreamFailure['kind'];

const OUTCOMES = Object.keys({
  ...{ ok: 0, rejected: 0, connect: 0, timeout: 0, broken: 0, malformed: 0 },
  ...{ saturated: 0, shutdown: 0, gateway: 0 },
} satisfies Record<AttemptOutcome, 0>);

/** Times are monotonic milliseconds; 0: that never was. */
export interface ClosedCall extends ModelCall {
  dialect: DialectId;
  attempts: number;
  startedMs: number;
  /** The upstream that answered was sent the call. */
  sentMs: number;
  /** The last bytes came before the client was answered. */
  heardMs: number;
  losses: readonly Loss[];
}

/** Of one dialect of clients. */
interface DialectCells {
  requests: Map<number, TallyCell>;
  latency: DistributionCell;
  firstToken: DistributionCell;
  beforeDispatch: DistributionCell;
  added: DistributionCell;
  losses: TallyCell;
}

/** What the public port counts. No label ever holds a key, a tenant or free text. */
export class EdgeMetrics {
  private readonly catalog: CatalogSource;
  private readonly models: ModelMetrics;
  private readonly requests: Tally;
  private readonly byDialect: Record<DialectId, DialectCells>;
  private readonly attempts: Tally;
  private readonly attemptsByProvider = new Map<string, Map<AttemptOutcome, TallyCell>>();
  private readonly retries;
  private readonly tokens: Record<'input' | 'output' | 'cacheRead' | 'cacheWrite', TallyCell>;

  /** `open` is asked when the metrics are read, not told at every request. */
  constructor(metrics: Metrics, { catalog, open }: { catalog: CatalogSource; open: () => number }) {
    this.catalog = catalog;
    this.models = new ModelMetrics(metrics, catalog);
    this.requests = metrics.tally({
      name: 'requests_total',
      help: 'Inference requests answered, by client dialect and status',
      labelNames: ['dialect', 'status'],
    });
    this.byDialect = dialectCells(metrics, this.requests);
    this.attempts = metrics.tally({
      name: 'upstream_attempts_total',
      help: 'Calls to upstreams, by provider and what came of them',
      labelNames: ['provider', 'outcome'],
    });
    const retries = metrics.tally({
      name: 'upstream_retries_total',
      help: 'Failed attempts that another upstream was there for: granted, or not for the retry budget or for side effects',
      labelNames: ['outcome'],
    });
    this.retries = {
      granted: retries.cell('granted'),
      exhausted: retries.cell('exhausted'),
      side_effects: retries.cell('side_effects'),
    };
    const tokens = metrics.tally({ name: 'tokens_total', help: 'Tokens billed, by kind', labelNames: ['kind'] });
    this.tokens = {
      input: tokens.cell('input'),
      output: tokens.cell('output'),
      cacheRead: tokens.cell('cache_read'),
      cacheWrite: tokens.cell('cache_write'),
    };
    metrics.gauge({
      name: 'open_requests',
      help: 'Inference requests under way',
      collect() {
        this.set(open());
      },
    });
  }

  attempted(provider: string, outcome: AttemptOutcome): void {
    const cell = this.attemptsByProvider.get(provider)?.get(outcome) ?? this.attemptsOf(provider, outcome);
    cell.count++;
  }

  retried(outcome: 'granted' | 'exhausted' | 'side_effects'): void {
    this.retries[outcome].count++;
  }

  refused(dialect: DialectId, status: number): void {
    this.countRequest(this.byDialect[dialect], dialect, status);
  }

  closed(call: ClosedCall): void {
    const cells = this.byDialect[call.dialect];
    this.countRequest(cells, call.dialect, call.status);
    cells.latency.observe(call.latencyMs / 1000);
    if (call.firstTokenMs !== undefined) cells.firstToken.observe(call.firstTokenMs / 1000);
    this.countOwnTime(cells, call);
    cells.losses.count += call.losses.length;
    this.countTokens(call.usage);
    this.models.closed(call);
  }

  private countRequest({ requests }: DialectCells, dialect: DialectId, status: number): void {
    let cell = requests.get(status);
    if (cell === undefined) requests.set(status, (cell = this.requests.cell(dialect, String(status))));
    cell.count++;
  }

  /** Of a call that failed somewhere first nobody can tell what of its time was whose. */
  private countOwnTime({ beforeDispatch, added }: DialectCells, call: ClosedCall): void {
    const { startedMs, sentMs, heardMs } = call;
    if (call.attempts !== 1 || sentMs === 0 || call.status >= 400) return;
    beforeDispatch.observe((sentMs - startedMs) / 1000);
    if (heardMs === 0) return;
    const answeredMs = call.firstTokenMs ?? call.latencyMs;
    added.observe(Math.max(0, answeredMs - (heardMs - sentMs)) / 1000);
  }

  /** Of a provider that was not called before; those that are in the catalog no more will not be again. */
  private attemptsOf(provider: string, outcome: AttemptOutcome): TallyCell {
    const { providers } = this.catalog.current();
    for (const known of this.attemptsByProvider.keys())
      if (!providers.has(known)) this.attemptsByProvider.delete(known);
    this.attempts.keepOnly((labels) => providers.has(labels['provider'] ?? ''));
    const cells = new Map(
      OUTCOMES.map((each) => [each as AttemptOutcome, this.attempts.cell(provider, each)] as const),
    );
    this.attemptsByProvider.set(provider, cells);
    return cells.get(outcome) ?? this.attempts.cell(provider, outcome);
  }

  private countTokens(usage: Usage): void {
    this.tokens.input.count += usage.inputTokens;
    this.tokens.output.count += usage.outputTokens;
    this.tokens.cacheRead.count += usage.cacheReadTokens;
    this.tokens.cacheWrite.count += usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
  }
}

function dialectCells(metrics: Metrics, requests: Tally): Record<DialectId, DialectCells> {
  const labelNames = ['dialect'];
  const latency = metrics.distribution({
    ...{ name: 'request_duration_seconds', labelNames, buckets: LATENCY_SECONDS },
    help: 'From the last byte of the request to the last byte of the reply',
  });
  const firstToken = metrics.distribution({
    ...{ name: 'first_token_seconds', labelNames, buckets: LATENCY_SECONDS },
    help: 'From the last byte of the request to the first byte of a streamed reply',
  });
  const beforeDispatch = metrics.distribution({
    ...{ name: 'before_dispatch_seconds', labelNames, buckets: OWN_SECONDS },
    help: 'From the last byte of the request to its dispatch, of calls that the first upstream answered: planning, admission, waiting for room in the provider’s account',
  });
  const added = metrics.distribution({
    ...{ name: 'added_latency_seconds', labelNames, buckets: OWN_SECONDS },
    help: 'Of calls that the first upstream answered, the time to the first byte of a stream or the last of another reply, less what the upstream took until then',
  });
  const losses = metrics.tally({
    ...{ name: 'translation_losses_total', labelNames },
    help: 'Pieces of requests and replies that the other dialect could not carry',
  });
  const cellsOf = (dialect: string): DialectCells => ({
    requests: new Map(STATUSES.map((status) => [status, requests.cell(dialect, String(status))])),
    latency: latency.cell(dialect),
    firstToken: firstToken.cell(dialect),
    beforeDispatch: beforeDispatch.cell(dialect),
    added: added.cell(dialect),
    losses: losses.cell(dialect),
  });
  const entries = Object.keys(DIALECTS).map((dialect) => [dialect, cellsOf(dialect)]);
  return Object.fromEntries(entries) as Record<DialectId, DialectCells>;
}
