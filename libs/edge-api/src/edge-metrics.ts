import type { Metrics } from '@switchboard/platform';
import type { DialectId, Loss, Usage } from '@switchboard/protocol';
import type { UpstreamFailure } from './core/upstream-failure';

const LATENCY_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** What the public port counts. No label ever holds a key, a tenant or free text. */
export class EdgeMetrics {
  private readonly requests;
  private readonly attempts;
  private readonly retries;
  private readonly latency;
  private readonly firstToken;
  private readonly input;
  private readonly output;
  private readonly cacheRead;
  private readonly cacheWrite;
  private readonly losses;

  /** `open` is asked when the metrics are read, not told at every request. */
  constructor(metrics: Metrics, open: () => number) {
    this.requests = metrics.tally({
      name: 'requests_total',
      help: 'Inference requests answered, by client dialect and status',
      labelNames: ['dialect', 'status'],
    });
    this.attempts = metrics.tally({
      name: 'upstream_attempts_total',
      help: 'Calls to upstreams, by provider and what came of them',
      labelNames: ['provider', 'outcome'],
    });
    this.retries = metrics.tally({
      name: 'upstream_retries_total',
      help: 'Failed attempts that another upstream was there for: granted, or not for the retry budget or for side effects',
      labelNames: ['outcome'],
    });
    this.latency = metrics.histogram({
      name: 'request_duration_seconds',
      help: 'From the last byte of the request to the last byte of the reply',
      labelNames: ['dialect'],
      buckets: LATENCY_SECONDS,
    });
    this.firstToken = metrics.histogram({
      name: 'first_token_seconds',
      help: 'From the last byte of the request to the first byte of a streamed reply',
      labelNames: ['dialect'],
      buckets: LATENCY_SECONDS,
    });
    const tokens = metrics.tally({ name: 'tokens_total', help: 'Tokens billed, by kind', labelNames: ['kind'] });
    this.input = tokens.cell('input');
    this.output = tokens.cell('output');
    this.cacheRead = tokens.cell('cache_read');
    this.cacheWrite = tokens.cell('cache_write');
    this.losses = metrics.counter({
      name: 'translation_losses_total',
      help: 'Pieces of requests and replies that the other dialect could not carry',
      labelNames: ['dialect'],
    });
    metrics.gauge({
      name: 'open_requests',
      help: 'Inference requests under way',
      collect() {
        this.set(open());
      },
    });
  }

  attempted(provider: string, outcome: 'ok' | UpstreamFailure['kind']): void {
    this.attempts.cell(provider, outcome).count++;
  }

  retried(outcome: 'granted' | 'exhausted' | 'side_effects'): void {
    this.retries.cell(outcome).count++;
  }

  refused(dialect: DialectId, status: number): void {
    this.requests.cell(dialect, String(status)).count++;
  }

  closed(
    dialect: DialectId,
    reply: {
      status: number;
      latencyMs: number;
      firstTokenMs: number | undefined;
      losses: readonly Loss[];
      usage: Usage;
    },
  ): void {
    this.requests.cell(dialect, String(reply.status)).count++;
    this.latency.observe({ dialect }, reply.latencyMs / 1000);
    if (reply.firstTokenMs !== undefined) this.firstToken.observe({ dialect }, reply.firstTokenMs / 1000);
    if (reply.losses.length > 0) this.losses.inc({ dialect }, reply.losses.length);
    this.countTokens(reply.usage);
  }

  private countTokens(usage: Usage): void {
    this.input.count += usage.inputTokens;
    this.output.count += usage.outputTokens;
    this.cacheRead.count += usage.cacheReadTokens;
    this.cacheWrite.count += usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
  }
}
