import type { Loss, StreamEnd, StreamFailure, Usage } from '@switchboard/protocol';
import type { ResponseWatch } from '../core/response-echo';
import type { Relay } from './relay';

/** A relay whose reply is watched on its way to the client. Created per attempt. */
export class StoringRelay implements Relay {
  constructor(
    private readonly relay: Relay,
    private readonly watch: ResponseWatch,
  ) {}

  push(bytes: Buffer): Buffer | string {
    return this.watched(this.relay.push(bytes));
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer | string {
    return this.ended(this.relay.end(how, failure));
  }

  stopAtLimit(usage: Usage, note: string): Buffer | string {
    return this.ended(this.relay.stopAtLimit(usage, note));
  }

  get usage(): Usage | undefined {
    return this.relay.usage;
  }

  get usageIsFinal(): boolean {
    return this.relay.usageIsFinal;
  }

  get finish(): string | undefined {
    return this.relay.finish;
  }

  get failure(): StreamFailure | undefined {
    return this.relay.failure;
  }

  get losses(): readonly Loss[] {
    return this.relay.losses;
  }

  get outputBytes(): number {
    return this.relay.outputBytes;
  }

  private watched(output: Buffer | string): Buffer | string {
    if (typeof output !== 'string') return this.watch.passed(output);
    this.watch.written(output);
    return output;
  }

  private ended(output: Buffer | string): Buffer | string {
    const last = this.watched(output);
    return typeof last === 'string' ? last : Buffer.concat([last, this.watch.rest()]);
  }
}
