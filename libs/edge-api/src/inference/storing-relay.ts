import type { StreamEnd, StreamFailure, Usage } from '@switchboard/protocol';
import type { ResponseWatch } from '../core/response-echo';
import type { Relay } from './relay';
import { RelayAround } from './relay-around';

/** A relay whose reply is watched on its way to the client. Created per attempt. */
export class StoringRelay extends RelayAround {
  constructor(
    relay: Relay,
    private readonly watch: ResponseWatch,
  ) {
    super(relay);
  }

  push(bytes: Buffer): Buffer | string {
    return this.watched(this.relay.push(bytes));
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer | string {
    return this.ended(this.relay.end(how, failure));
  }

  stopAtLimit(usage: Usage, note: string): Buffer | string {
    return this.ended(this.relay.stopAtLimit(usage, note));
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
