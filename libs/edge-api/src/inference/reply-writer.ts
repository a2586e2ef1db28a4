import type { ServerResponse } from 'node:http';
import type { GatewayError } from '@switchboard/contracts';
import { formatLosses, type Dialect, type Loss } from '@switchboard/protocol';
import { errorReply, wireError } from '../core/error-reply';
import { httpChunk, LAST_CHUNK } from '../core/http-chunk';
import { identityHeaders, type ReplyHeaders, type RequestIdentity } from '../core/reply-headers';
import type { BufferedReply } from './buffered-reply';
import type { EdgeContext } from './edge-context';
import type { PreparedCall } from './prepare-call';

/** Up to here copying a body costs less than a second write. */
const LARGEST_JOINED_BYTES = 16 * 1024;

/** A client that has not read a byte for this long is gone, whatever its socket says. */
const STALLED_CLIENT_MS = 10 * 60_000;

/** The client's side of an exchange: the only place that writes heads, bytes and keepalives. */
export class ReplyWriter {
  headWritten = false;
  /** Bytes of an upstream's reply went out: from here on only that upstream can finish it. */
  replyBegun = false;
  /** Of the key that called, as this call left them. */
  limits: ReplyHeaders | undefined;
  /** Why which upstream, where the client may ask for it. */
  route: string | undefined;
  private lastWriteMs = 0;
  /** The body goes out in chunks, which are made here; false for HTTP/1.0, and where the length is known. */
  private isChunked = false;

  constructor(
    private readonly edge: Pick<EdgeContext, 'names' | 'settings' | 'sweeper' | 'drain'>,
    private readonly dialect: Dialect,
    private readonly identity: RequestIdentity,
    private readonly response: ServerResponse,
  ) {}

  beginStream(call: PreparedCall, attempts: number, replyLosses: readonly Loss[]): void {
    this.replyBegun = true;
    if (!this.headWritten) this.writeStreamHead(this.servedHeaders(call, attempts, replyLosses));
  }

  /**
   * The head alone, while nobody has answered yet: proxies on the way cut connections that stay silent for a minute. Who
   * serves the reply, after how many attempts, is not known then and so not told.
   */
  private beginWaiting(): void {
    this.writeStreamHead(this.ownHeaders());
  }

  /** False where the client is slower than the upstream: wait for `whenDrained`. */
  write(bytes: Buffer | string): boolean {
    this.lastWriteMs = this.edge.sweeper.nowMs;
    return this.response.write(this.isChunked && bytes.length > 0 ? httpChunk(bytes) : bytes);
  }

  get isFull(): boolean {
    return this.response.writableNeedDrain;
  }

  whenDrained(resume: () => void): void {
    this.response.once('drain', resume);
  }

  end(bytes: Buffer | string): void {
    if (this.isChunked) this.response.end(bytes.length === 0 ? LAST_CHUNK : httpChunk(bytes, LAST_CHUNK));
    else if (bytes.length === 0) this.response.end();
    else this.response.end(bytes);
  }

  /** Sends something where nothing else was for a while; `startedMs`: since when the client waits. */
  keepalive(nowMs: number, startedMs: number): void {
    const { keepaliveMs } = this.edge.settings;
    if (!this.headWritten) {
      if (nowMs - startedMs < keepaliveMs) return;
      this.beginWaiting();
    }
    if (nowMs - this.lastWriteMs < keepaliveMs) return;
    this.write(this.dialect.keepalive);
    this.lastWriteMs = nowMs;
  }

  sendReply(reply: BufferedReply & { kind: 'reply' }, call: PreparedCall, attempts: number): void {
    this.send(200, this.servedHeaders(call, attempts, reply.losses), reply.body);
  }

  /** The upstream's own refusal: its bytes where the client speaks its dialect, else its words in the client's shape. */
  reject(reply: BufferedReply & { kind: 'rejected' }, call: PreparedCall, attempts: number): void {
    if (this.headWritten) return void this.sendError(reply.error, attempts);
    const headers = { ...this.servedHeaders(call, attempts, []), ...reply.headers };
    if (reply.body !== undefined) return this.send(reply.status, headers, reply.body);
    const shaped = errorReply(reply.error, this.dialect.id, this.identity.requestId);
    this.send(shaped.status, { ...headers, ...shaped.headers }, Buffer.from(JSON.stringify(shaped.body)));
  }

  /** The gateway's own refusal; returns the status it was told with. */
  sendError(error: GatewayError, attempts: number): number {
    if (this.headWritten) {
      this.end(this.dialect.encodeStreamError(wireError(error, this.identity.requestId)));
      return 200;
    }
    const reply = errorReply(error, this.dialect.id, this.identity.requestId);
    const headers = Object.assign(this.ownHeaders(), reply.headers);
    headers[this.edge.names.attempts] = attempts;
    this.send(reply.status, headers, Buffer.from(JSON.stringify(reply.body)));
    return reply.status;
  }

  /** The client has read nothing for so long. */
  dropIfUnread(forMs: number): void {
    if (forMs > STALLED_CLIENT_MS) this.response.destroy();
  }

  private writeStreamHead(headers: ReplyHeaders): void {
    headers['content-type'] = 'text/event-stream; charset=utf-8';
    headers['cache-control'] = 'no-cache';
    // Reverse proxies that buffer by default read this one.
    headers['x-accel-buffering'] = 'no';
    this.writeHead(200, headers);
    // The head says it; that it was said is all that Node is to know of it.
    this.isChunked = this.response.chunkedEncoding;
    this.response.chunkedEncoding = false;
  }

  private send(status: number, headers: ReplyHeaders, body: Buffer): void {
    headers['content-type'] = 'application/json';
    headers['content-length'] = body.length;
    this.writeHead(status, headers);
    if (body.length > LARGEST_JOINED_BYTES) this.response.end(body);
    // A string joins the head in one write where a Buffer is a second one; latin1 keeps every byte as it is.
    else this.response.end(body.toString('latin1'), 'latin1');
  }

  private writeHead(status: number, headers: ReplyHeaders): void {
    this.headWritten = true;
    if (this.edge.drain.begun) this.response.shouldKeepAlive = false;
    this.response.writeHead(status, headers);
  }

  private ownHeaders(): ReplyHeaders {
    const headers = identityHeaders(this.edge.names, this.dialect.id, this.identity);
    if (this.route !== undefined) headers[this.edge.names.route] = this.route;
    return this.limits === undefined ? headers : Object.assign(headers, this.limits);
  }

  private servedHeaders(call: PreparedCall, attempts: number, replyLosses: readonly Loss[]): ReplyHeaders {
    const { names } = this.edge;
    const headers = this.ownHeaders();
    headers[names.upstream] = call.candidate.provider.id;
    headers[names.attempts] = attempts;
    if (call.adaptation !== undefined) headers[names.adapted] = call.adaptation.map(({ name }) => name).join(', ');
    if (call.requestLosses.length + replyLosses.length > 0) {
      headers[names.translationLoss] = formatLosses([...call.requestLosses, ...replyLosses]);
    }
    return headers;
  }
}
