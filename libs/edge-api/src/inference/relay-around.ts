import type { Loss, StreamEnd, StreamFailure, Usage } from '@switchboard/protocol';
import type { Relay } from './relay';

/** A relay that changes what another one sends, and knows of the reply what that one knows. Created per attempt. */
export abstract class RelayAround implements Relay {
  constructor(protected readonly relay: Relay) {}

  abstract push(bytes: Buffer): Buffer | string;
  abstract end(how: StreamEnd, failure?: StreamFailure): Buffer | string;
  abstract stopAtLimit(usage: Usage, note: string): Buffer | string;

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
}
