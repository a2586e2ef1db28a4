import type { IncomingHttpHeaders } from 'node:http';
import { KINDS } from '@switchboard/upstreams';
import type { Dispatcher } from 'undici';
import type { UpstreamFailure } from '../core/upstream-failure';
import { AttemptRecord } from './attempt-record';
import type { PreparedCall } from './prepare-call';
import type { Relay } from './relay';
import type { Stage, TurnStages } from './turn-stages';

/** A whole upstream reply held in memory is bounded: a client could not use more, and we could not bear it. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

/** What an attempt tells the exchange it belongs to. Exactly one of the last three ends it. */
export interface AttemptOwner {
  /** A streaming reply begins; gives the machine that turns its bytes into the client's. */
  openRelay(attempt: UpstreamAttempt): Relay;
  /** Bytes for the client; false asks the attempt to pause. */
  relayBytes(attempt: UpstreamAttempt, relay: Relay, bytes: Buffer): boolean;
  relayEnded(attempt: UpstreamAttempt, relay: Relay): void;
  replyBuffered(attempt: UpstreamAttempt, body: Buffer): void;
  attemptFailed(attempt: UpstreamAttempt, failure: UpstreamFailure): void;
}

/** What an attempt needs of the process. */
export interface AttemptEdge {
  readonly sweeper: { readonly nowMs: number };
  readonly stages: Pick<TurnStages, 'add'>;
}

/** One upstream call, as undici drives it. Bytes of one socket read reach the owner in one piece. */
export class UpstreamAttempt implements Dispatcher.DispatchHandler {
  status = 0;
  headers: IncomingHttpHeaders = {};
  /** Monotonic; of the last byte from the upstream, or of the start. */
  lastByteMs: number;
  paused = false;
  /** All of a whole reply is here, and yet to be read. */
  isComplete = false;
  /** Monotonic; 0: it was not sent. */
  sentMs = 0;
  /** Monotonic; of the last bytes before any of the reply went to the client; 0: there were none. */
  heardMs = 0;
  readonly record: AttemptRecord;

  private controller: Dispatcher.DispatchController | undefined;
  private relay: Relay | undefined;
  private chunks: Buffer[] = [];
  private bufferedBytes = 0;
  private flushQueued = false;
  private over = false;
  /** One for all its chunks. */
  private readonly flushWaiting = (): void => {
    this.flushQueued = false;
    // What comes after a pause is held back: undici has a pause take effect with the next chunk only.
    if (!this.paused) this.flush();
  };

  constructor(
    private readonly owner: AttemptOwner,
    readonly call: PreparedCall,
    private readonly wantsStream: boolean,
    private readonly edge: AttemptEdge,
    readonly startedMs: number,
  ) {
    this.lastByteMs = startedMs;
    this.record = new AttemptRecord(call.candidate, startedMs, wantsStream);
  }

  /** Nothing is reported for it any more. */
  get isOver(): boolean {
    return this.over;
  }

  /** True once any reply byte has come. */
  get answered(): boolean {
    return this.status !== 0 && (this.bufferedBytes > 0 || this.relay !== undefined);
  }

  /** Whether the first token, or the next byte, has been waited for long enough. */
  isLate(nowMs: number): boolean {
    const { provider, health } = this.call.candidate;
    const { timeouts } = provider;
    if (!this.answered) {
      if (nowMs - this.startedMs <= timeouts.firstTokenMs) return false;
      // A whole reply comes when it is done, which may take many minutes of silence: it is given up only where nothing
      // else that the upstream was asked is answered either.
      return this.wantsStream || health.isSilentSince(this.startedMs);
    }
    return !this.paused && nowMs - this.lastByteMs > timeouts.idleMs;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.over) controller.abort(new Error('attempt is over'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    _statusMessage?: string,
  ): void {
    this.status = status;
    this.headers = headers;
    const { provider, health } = this.call.candidate;
    health.account.saysLeft(KINDS[provider.kind].quotaLeft(headers));
    const contentType = headers['content-type'];
    if (this.wantsStream && status < 300 && contentType?.startsWith('text/event-stream') === true) {
      this.relay = this.owner.openRelay(this);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    this.lastByteMs = this.edge.sweeper.nowMs;
    if (!this.record.isAnswered) this.heardMs = performance.now();
    this.chunks.push(chunk);
    this.bufferedBytes += chunk.length;
    if (this.relay === undefined) {
      if (this.bufferedBytes > MAX_BUFFERED_BYTES) this.fail('malformed', new Error('reply too large'));
      return;
    }
    if (this.flushQueued) return;
    // The parser hands over every chunk of one socket read in the same turn: one relay step and one write for all.
    this.flushQueued = true;
    this.edge.stages.add('relay', this.flushWaiting);
  }

  onResponseEnd(): void {
    if (this.over) return;
    if (this.relay !== undefined) this.flush();
    if (this.over) return;
    this.over = true;
    const { relay } = this;
    if (relay !== undefined) return this.guard(() => this.owner.relayEnded(this, relay));
    this.isComplete = true;
    this.conclude('read', () => {
      this.isComplete = false;
      this.owner.replyBuffered(this, this.takeChunks());
    });
  }

  /** Does with a whole reply what is to be done, at the end of this turn. */
  conclude(stage: Stage, task: () => void): void {
    this.edge.stages.add(stage, () => this.guard(task));
  }

  /** A fault of ours in what comes after its end fails the attempt all the same. */
  private guard(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.over = false;
      this.fail('gateway', error);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.over) return;
    if (this.relay !== undefined) this.flush();
    this.fail(failureKind(error), error);
  }

  /** Ends the attempt from our side; nothing is reported for it any more. */
  cancel(reason: string): void {
    this.over = true;
    this.chunks = [];
    this.controller?.abort(new Error(reason));
  }

  /** Ends the attempt from our side as a failure of the upstream's. */
  fail(kind: UpstreamFailure['kind'], cause: unknown): void {
    if (this.over) return;
    this.over = true;
    this.controller?.abort(cause instanceof Error ? cause : new Error(kind));
    this.owner.attemptFailed(this, { provider: this.call.candidate.provider.id, kind, cause });
  }

  resume(): void {
    this.paused = false;
    this.lastByteMs = this.edge.sweeper.nowMs;
    this.flush();
    if (!this.paused && !this.over) this.controller?.resume();
  }

  /** Hands over what has come, instead of at the end of this turn. */
  flush(): void {
    if (this.over || this.relay === undefined || this.chunks.length === 0) return;
    try {
      if (this.owner.relayBytes(this, this.relay, this.takeChunks()) || this.paused) return;
      this.paused = true;
      this.controller?.pause();
    } catch (error) {
      // A fault of ours in one stream must not end the process and all the others.
      this.fail('gateway', error);
    }
  }

  private takeChunks(): Buffer {
    const { chunks } = this;
    this.chunks = [];
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }
}

function failureKind(error: Error & { code?: string }): UpstreamFailure['kind'] {
  switch (error.code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return 'connect';
    case 'HPE_INVALID_CONSTANT':
      return 'malformed';
    default:
      return error.code?.startsWith('HPE_') === true ? 'malformed' : 'broken';
  }
}
