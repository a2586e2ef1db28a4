import { type Logger, type Metrics, migrate } from '@switchboard/platform';
import { Outage } from './outage';
import { RetryPause } from './retry-pause';

/** Brings the database to this release's schema, however long it takes the database to be there. */
export class SchemaPreparation {
  private readonly pause = new RetryPause({ first: 250, most: 2_000 });
  private fault: unknown = new Error('not tried yet');
  private stopped = false;
  private done = false;

  constructor(private readonly options: { url: string; log: Logger; metrics: Metrics }) {
    const isDone = (): number => (this.done ? 1 : 0);
    options.metrics.gauge({
      name: 'schema_in_place',
      help: 'Whether the database has the schema of this release: 1, or 0. Nothing is stored without it.',
      collect() {
        this.set(isDone());
      },
    });
  }

  /** Resolves when the schema stands, or at `stop`. */
  async run(): Promise<void> {
    const { url, log } = this.options;
    const outage = new Outage(log, {
      lost: 'waiting for the database to take this release’s schema',
      back: 'the database has this release’s schema',
    });
    for (let failures = 0; !this.stopped && !this.done;) {
      try {
        await migrate({ url, log });
        this.done = true;
        outage.succeeded();
      } catch (error) {
        this.fault = error;
        outage.failed(error);
        await this.pause.after(++failures);
      }
    }
  }

  /** @throws Error that says what stands in the way. */
  check(): void {
    if (this.done) return;
    const reason = this.fault instanceof Error ? this.fault.message : String(this.fault);
    throw new Error(`the schema of this release is not in place: ${reason}`);
  }

  stop(): void {
    this.stopped = true;
    this.pause.wake();
  }
}
