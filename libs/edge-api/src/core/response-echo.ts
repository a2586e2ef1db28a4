import {
  editOf,
  isJsonObject,
  JsonScanner,
  SseDecoder,
  SseFrameScanner,
  spliceBytes,
  type ByteEdit,
  type JsonObject,
  type JsonSpan,
} from '@switchboard/protocol';

/** What a response says of storage, whatever the upstream says: there nothing is stored. */
export interface StorageEcho {
  store: boolean;
  previous_response_id: string | null;
}

const replyScanner = new JsonScanner(['store', 'previous_response_id']);
const eventScanner = new JsonScanner(['response.store', 'response.previous_response_id']);
/** Of the events that hold the response; of one frame no more than its head is looked at. */
const HOLDS_RESPONSE = /response\.(?:created|queued|in_progress|completed|incomplete|failed)["\r\n]/;
const ENDS_RESPONSE = /response\.(?:completed|incomplete)["\r\n]/;
const END_EVENTS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete']);
const HEAD_BYTES = 96;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Members the upstream left out stay out. */
export function echoInReply(body: Buffer, echo: StorageEcho): Buffer {
  const scan = replyScanner.scan(body);
  return scan.ok ? edited(body, [scan.spans.store, scan.spans.previous_response_id], echo) : body;
}

/** Watches a stream of the Responses API on its way to the client. Created per reply. */
export class ResponseWatch {
  private readonly frames = new SseFrameScanner();

  /** `onEnd` is told the response object once it is complete, or has reached its length. */
  constructor(
    private readonly echo: StorageEcho,
    private readonly onEnd: (response: JsonObject) => void,
  ) {}

  /** Of an upstream: whole events, with the echo in its place. */
  passed(bytes: Buffer): Buffer {
    const { bytes: whole, ends } = this.frames.push(bytes);
    let passed = whole;
    let shift = 0;
    let start = 0;
    for (const end of ends) {
      const head = whole.toString('latin1', start, Math.min(end, start + HEAD_BYTES));
      if (HOLDS_RESPONSE.test(head)) {
        const frame = whole.subarray(start, end);
        const replacement = this.echoed(frame);
        if (replacement !== frame) {
          passed = spliceBytes(passed, [{ start: start + shift, end: end + shift, replacement }]);
          shift += replacement.length - frame.length;
        }
        if (ENDS_RESPONSE.test(head)) this.readEnd(replacement);
      }
      start = end;
    }
    return passed;
  }

  /** What is left where the stream ends inside an event. */
  rest(): Buffer {
    return this.frames.end();
  }

  /** Of our own encoder, which writes whole events, and the echo with them. */
  written(text: string): void {
    if (ENDS_RESPONSE.test(text)) this.readEnd(Buffer.from(text));
  }

  private echoed(frame: Buffer): Buffer {
    const scan = eventScanner.scan(frame, frame.indexOf(OPEN_BRACE), frame.lastIndexOf(CLOSE_BRACE) + 1);
    if (!scan.ok) return frame;
    return edited(frame, [scan.spans['response.store'], scan.spans['response.previous_response_id']], this.echo);
  }

  private readEnd(bytes: Buffer): void {
    for (const { event, data } of new SseDecoder().push(bytes)) {
      // Text that only speaks of such an event is in one of another name.
      if (event !== undefined && !END_EVENTS.has(event)) continue;
      const body = parsed(data);
      if (typeof body?.type !== 'string' || !END_EVENTS.has(body.type)) continue;
      if (isJsonObject(body.response)) this.onEnd(body.response);
    }
  }
}

function edited(
  bytes: Buffer,
  [store, previous]: readonly [JsonSpan | undefined, JsonSpan | undefined],
  echo: StorageEcho,
): Buffer {
  const edits: ByteEdit[] = [];
  if (store !== undefined) edits.push(editOf(store, String(echo.store)));
  if (previous !== undefined) edits.push(editOf(previous, JSON.stringify(echo.previous_response_id)));
  edits.sort((left, right) => left.start - right.start);
  return spliceBytes(bytes, edits);
}

function parsed(data: string): JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(data);
    return isJsonObject(body) ? body : undefined;
  } catch {
    // Whoever translates or taps the stream has told of it; here there is nothing to keep.
    return undefined;
  }
}
