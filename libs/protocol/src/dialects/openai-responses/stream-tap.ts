import type { StreamTap, TapContext } from '../../dialect';
import type { StreamEnd, StreamFailure } from '../../stream-event';
import type { Usage } from '../../usage';

export class ResponsesStreamTap implements StreamTap {
  readonly usage: Usage | undefined = undefined;
  readonly usageIsFinal = false;
  readonly finish: string | undefined = undefined;
  readonly failure: StreamFailure | undefined = undefined;
  readonly atEventBoundary = true;
  readonly outputBytes = 0;

  constructor(private readonly context: TapContext) {}

  push(_bytes: Buffer): Buffer {
    throw new Error(`not built yet ${this.context.model}`);
  }

  end(_how: StreamEnd, _failure?: StreamFailure): Buffer {
    throw new Error('not built yet');
  }

  stopAtLimit(_usage: Usage, _note: string): Buffer {
    throw new Error('not built yet');
  }
}
