import {
  SseDecoder,
  SseOverflowError,
  formatSseComment,
  streamAdapter,
  type Adaptation,
  type Dialect,
  type EncodeContext,
  type Loss,
  type ReplyContext,
  type StreamAdapter,
  type StreamDecoder,
  type StreamEncoder,
  type StreamEnd,
  type StreamEvent,
  type StreamFailure,
  type StreamTap,
  type TapContext,
  type Usage,
} from '@switchboard/protocol';

/** Turns the bytes of one upstream stream into the bytes of one client stream. Created per attempt. */
export interface Relay {
  push(bytes: Buffer): Buffer | string;
  /** What is left to send; an error event where the stream did not end as it should. */
  end(how: StreamEnd, failure?: StreamFailure): Buffer | string;
  /** Ends the reply now, as one that reached its maximum of output: see `StreamTap.stopAtLimit`. */
  stopAtLimit(usage: Usage, note: string): Buffer | string;
  readonly usage: Usage | undefined;
  /** The upstream told its output tokens at the end, so that `usage` is the whole of it. */
  readonly usageIsFinal: boolean;
  readonly finish: string | undefined;
  readonly failure: StreamFailure | undefined;
  readonly losses: readonly Loss[];
  /** UTF-8 bytes of generated text so far, for an estimate when usage never comes. */
  readonly outputBytes: number;
}

const NO_LOSSES: readonly Loss[] = [];

/** Same dialect on both sides: the bytes pass through, watched. */
export class PassThroughRelay implements Relay {
  readonly losses = NO_LOSSES;
  private readonly tap: StreamTap;

  constructor(dialect: Dialect, context: TapContext) {
    this.tap = dialect.streamTap(context);
  }

  push(bytes: Buffer): Buffer {
    return this.tap.push(bytes);
  }

  end(how: StreamEnd, failure?: StreamFailure): Buffer {
    return this.tap.end(how, failure);
  }

  stopAtLimit(usage: Usage, note: string): Buffer {
    return this.tap.stopAtLimit(usage, note);
  }

  get usage(): Usage | undefined {
    return this.tap.usage;
  }

  get usageIsFinal(): boolean {
    return this.tap.usageIsFinal;
  }

  get finish(): string | undefined {
    return this.tap.finish;
  }

  get failure(): StreamFailure | undefined {
    return this.tap.failure;
  }

  get outputBytes(): number {
    return this.tap.outputBytes;
  }
}

/** Bytes → upstream events → canonical events, adapted where the request was → client text. */
export class TranslatingRelay implements Relay {
  usage: Usage | undefined;
  usageIsFinal = false;
  finish: string | undefined;
  failure: StreamFailure | undefined;
  outputBytes = 0;

  private readonly sse = new SseDecoder();
  private readonly decoder: StreamDecoder;
  private readonly encoder: StreamEncoder;
  private readonly adapter: StreamAdapter | undefined;
  private readonly decoderLosses: Loss[] = [];
  private started = false;
  private blockIsOpen = false;
  private stopped = false;

  constructor(
    upstream: Dialect,
    client: Dialect,
    reply: ReplyContext,
    private readonly context: EncodeContext,
    adaptation?: Adaptation,
  ) {
    this.decoder = upstream.streamDecoder(reply);
    this.encoder = client.streamEncoder(context);
    if (adaptation !== undefined) this.adapter = streamAdapter(adaptation);
  }

  push(bytes: Buffer): string {
    if (this.stopped) return '';
    let text = '';
    try {
      for (const event of this.sse.push(bytes)) text += this.encode(this.decoder.push(event));
    } catch (error) {
      if (!(error instanceof SseOverflowError)) throw error;
      text += this.fail({ kind: 'malformed', message: 'The upstream sent an event that is too large.' });
    }
    return text;
  }

  end(how: StreamEnd, failure?: StreamFailure): string {
    if (this.stopped) return '';
    if (failure !== undefined) return this.fail(failure);
    // Bytes of an event that was cut off are no event; the decoder then sees that its terminal event never came.
    return this.encode(this.decoder.end(how));
  }

  /** What the decoder holds back (a call that waits for the one before it) is dropped with the half event. */
  stopAtLimit(usage: Usage, note: string): string {
    if (!this.started || this.finish !== undefined || this.failure !== undefined) return '';
    this.stopped = true;
    const blockStop = this.blockIsOpen ? this.encoder.push({ type: 'block-stop' }) : '';
    this.finish = 'length';
    this.usage = usage;
    return formatSseComment(note) + blockStop + this.encoder.push({ type: 'finish', reason: 'length', usage });
  }

  get losses(): readonly Loss[] {
    return this.decoderLosses.length === 0 ? this.encoder.losses : [...this.decoderLosses, ...this.encoder.losses];
  }

  private fail(failure: StreamFailure): string {
    if (this.failure !== undefined || this.finish !== undefined) return '';
    this.failure = failure;
    return this.encoder.push({ type: 'error', error: failure });
  }

  private encode(events: StreamEvent[]): string {
    let text = '';
    for (const event of events) {
      this.measure(event);
      if (this.adapter === undefined) text += this.show(event);
      else for (const adapted of this.adapter.push(event)) text += this.show(adapted);
    }
    return text;
  }

  private show(event: StreamEvent): string {
    this.observe(event);
    // The upstream's id has the form of its own dialect; ours has the client's, and leads to the request.
    return this.encoder.push(event.type === 'start' ? { ...event, id: this.context.id } : event);
  }

  /** What the upstream wrote and told of it, whatever becomes of that for the client. */
  private measure(event: StreamEvent): void {
    switch (event.type) {
      case 'text-delta':
      case 'thinking-delta':
      case 'refusal-delta':
        this.outputBytes += Buffer.byteLength(event.text);
        break;
      case 'arguments-delta':
        this.outputBytes += Buffer.byteLength(event.json);
        break;
      case 'start':
        this.usage = event.usage;
        break;
      case 'finish':
        this.usage = event.usage ?? this.usage;
        this.usageIsFinal = event.usage !== undefined && event.usageIsPartial !== true;
        break;
      default:
        break;
    }
  }

  private observe(event: StreamEvent): void {
    switch (event.type) {
      case 'block-start':
        this.blockIsOpen = true;
        break;
      case 'block-stop':
        this.blockIsOpen = false;
        break;
      case 'start':
        this.started = true;
        break;
      case 'finish':
        this.finish = event.reason;
        break;
      case 'error':
        this.failure = event.error;
        break;
      case 'loss':
        this.decoderLosses.push(event.loss);
        break;
      default:
        break;
    }
  }
}
