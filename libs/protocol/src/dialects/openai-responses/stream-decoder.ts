import type { ReplyContext, StreamDecoder } from '../../dialect';
import type { SseEvent } from '../../sse/decoder';
import type { StreamEnd, StreamEvent } from '../../stream-event';

export class ResponsesStreamDecoder implements StreamDecoder {
  constructor(private readonly context: ReplyContext) {}

  push(_event: SseEvent): StreamEvent[] {
    throw new Error(`not built yet ${this.context.toolNames.size}`);
  }

  end(_how: StreamEnd): StreamEvent[] {
    throw new Error('not built yet');
  }
}
