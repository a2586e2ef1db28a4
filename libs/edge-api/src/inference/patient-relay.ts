import type { StreamEnd, StreamFailure, Usage } from '@switchboard/protocol';
import { RelayAround } from './relay-around';

const FIRST_ITEM = Buffer.from('response.output_item');

/**
 * Holds back how a Responses stream opens, until its first output item: the API says `response.created` before anything is
 * decided, and an upstream that then fails can only be left for another while nothing of it has been sent on. Clients lose
 * nothing by it, since the opening tells them only what they asked. Created per attempt.
 */
export class PatientRelay extends RelayAround {
  private held: (Buffer | string)[] = [];
  private holds = true;

  push(bytes: Buffer): Buffer | string {
    const output = this.relay.push(bytes);
    if (!this.holds) return output;
    // The mark may be cut in two; the output after it is not.
    const begins = bytes.includes(FIRST_ITEM) || this.outputBytes > 0 || this.finish !== undefined;
    return begins ? this.release(output) : this.hold(output);
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer | string {
    return this.release(this.relay.end(how, failure));
  }

  stopAtLimit(usage: Usage, note: string): Buffer | string {
    return this.release(this.relay.stopAtLimit(usage, note));
  }

  private hold(output: Buffer | string): string {
    if (output.length > 0) this.held.push(output);
    return '';
  }

  private release(output: Buffer | string): Buffer | string {
    this.holds = false;
    if (this.held.length === 0) return output;
    const whole = Buffer.concat(
      [...this.held, output].map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
    );
    this.held = [];
    return whole;
  }
}
