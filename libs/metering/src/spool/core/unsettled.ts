import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';
import type { Frame } from './frames';

/**
 * What the records of one spool, oldest first, leave to be done: usage that nobody confirmed, and calls that only began.
 * A spool is larger than memory should be, so that of usage only the ids are kept, and the records are read again.
 */
export class Unsettled {
  /** Calls that began and left no usage, by request id. */
  readonly intents = new Map<string, UsageIntent>();
  /** Request ids of usage that is not stored. */
  readonly usage = new Set<string>();

  /** @throws SyntaxError where a payload is no JSON, which its checksum rules out. */
  add({ kind, payload }: Frame): void {
    if (kind === 'intent') {
      const intent = parsed<UsageIntent>(payload);
      this.intents.set(intent.requestId, intent);
    } else if (kind === 'usage') {
      const { requestId } = parsed<UsageRecordedV1>(payload);
      this.intents.delete(requestId);
      this.usage.add(requestId);
    } else if (kind === 'stored') {
      for (const requestId of parsed<string[]>(payload)) {
        this.usage.delete(requestId);
        this.intents.delete(requestId);
      }
    }
  }

  /** The usage record of a frame, the first time and only if it is not stored. */
  take({ kind, payload }: Frame): UsageRecordedV1 | undefined {
    if (kind !== 'usage') return undefined;
    const event = parsed<UsageRecordedV1>(payload);
    return this.usage.delete(event.requestId) ? event : undefined;
  }
}

function parsed<T>(payload: Buffer): T {
  return JSON.parse(payload.toString('utf8')) as T;
}
