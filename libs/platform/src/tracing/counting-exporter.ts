import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging/logger';
import type { TallyCell } from '../metrics/tally';

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** As of the SDK's ExportResultCode, whose package is none of ours. */
const SUCCESS = 0;

export interface ExportCounts {
  exported: TallyCell;
  failed: TallyCell;
}

/** Counts what another exporter does; however long a collector is away, its outage is two lines in the log. */
export class CountingExporter implements SpanExporter {
  private away = false;
  /** Spans that were given to the exporter, so far. */
  taken = 0;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly counts: ExportCounts,
    private readonly log: Logger,
  ) {}

  export(spans: ReadableSpan[], done: (result: Result) => void): void {
    this.taken += spans.length;
    this.exporter.export(spans, (result) => {
      if (result.code === SUCCESS) this.succeeded(spans.length);
      else this.failed(spans.length, result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private succeeded(spans: number): void {
    this.counts.exported.count += spans;
    if (this.away) this.log.info('spans are exported again');
    this.away = false;
  }

  private failed(spans: number, error: Error | undefined): void {
    this.counts.failed.count += spans;
    // Its words alone: an error of the exporter may hold the request, with its headers.
    if (!this.away) this.log.warn({ reason: error?.message }, 'spans cannot be exported, and are lost meanwhile');
    this.away = true;
  }
}
