import type { EncodeContext, StreamEncoder } from '../../dialect';
import type { Loss } from '../../loss';
import type { StreamEvent } from '../../stream-event';

/** A comment: any event that `responses.stream()` does not know makes it throw. */
export const KEEPALIVE = ': keepalive\n\n';

export class ResponsesStreamEncoder implements StreamEncoder {
  readonly losses: Loss[] = [];

  constructor(private readonly context: EncodeContext) {}

  push(_event: StreamEvent): string {
    throw new Error(`not built yet ${this.context.id}`);
  }
}
