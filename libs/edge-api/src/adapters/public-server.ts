import { createServer, STATUS_CODES, type Server } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { HealthCheck } from '@switchboard/contracts';
import type { EdgeContext } from '../inference/edge-context';
import { PublicHandler } from '../public-handler';

const DRAIN_CHECK_MS = 50;
/** Longer than connections in use are without a request. */
const IDLE_PATIENCE_MS = 2000;
/** For the error events of streams that are ended, once there is no time left to drain. */
const LAST_WORDS_MS = 1000;
/** A little longer than a limiter takes to answer, or to be found away. */
const LAST_ADMISSIONS_MS = 2000;

/**
 * The public port. A plain `node:http` server: Nest composes what stands behind it, but its pipeline is not on the path
 * of a request (see the ADR on the public port).
 */
export class PublicServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private draining = false;
  private patient = true;
  private closing: Promise<void> | undefined;

  constructor(private readonly edge: EdgeContext) {
    this.server = createServer(
      {
        // Longer than the idle timeout of the usual load balancers, so that it is they who close.
        keepAliveTimeout: 75_000,
        headersTimeout: 60_000,
        // Time to send a whole body of the largest size over a slow line.
        requestTimeout: 300_000,
        noDelay: true,
      },
      new PublicHandler(edge).handle,
    );
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server.on('clientError', answerClientError);
  }

  /** Resolves with the port once it listens. */
  listen(port: number, host: string): Promise<number> {
    this.edge.tokens.warmUp();
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  readonly health: HealthCheck = {
    name: 'public-port',
    required: true,
    check: () => (this.draining ? Promise.reject(new Error('draining for shutdown')) : Promise.resolve()),
  };

  /**
   * Ends in three steps. For `drainGraceMs` everything is served as ever, but unready, and each reply asks its client to
   * come back on another connection. Then no new connections are taken, and open replies finish within `drainMs`. What is
   * left is ended in its own dialect.
   */
  close(): Promise<void> {
    return (this.closing ??= this.drainAndClose());
  }

  /** A close under way, or to come, waits for open replies no longer: they end in their own dialect. */
  cutShort(): void {
    this.patient = false;
  }

  private async drainAndClose(): Promise<void> {
    const { sweeper, settings, drain } = this.edge;
    const { drainMs, drainGraceMs = 0 } = settings;
    this.draining = true;
    drain.begun = true;
    if (this.server.listening) await delay(drainGraceMs);
    // Not HTTP's own close: that also cuts off replies which have ended, but which a slow client has yet to read.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.server, () => resolve()));
    const deadline = performance.now() + drainMs;
    await this.untilIdle(deadline, drainGraceMs === 0 ? 0 : IDLE_PATIENCE_MS);
    sweeper.stop();
    const cutMs = this.patient ? Math.max(LAST_WORDS_MS, deadline - performance.now()) : LAST_WORDS_MS;
    const cut = setTimeout(() => this.server.closeAllConnections(), cutMs);
    const idle = setInterval(() => this.closeIdle(), DRAIN_CHECK_MS);
    await closed;
    clearInterval(idle);
    clearTimeout(cut);
    // Of the calls that ended last: their usage is recorded before the close is over.
    this.edge.stages.run();
    await this.untilAdmitted();
    await Promise.all([this.edge.pools.close(), this.edge.tokens.close()]);
  }

  /**
   * Resolves when nothing is open, or at the deadline. With patience, a connection is only closed once none of them has
   * brought anything for so long: closed the moment its reply ends, it could meet the client's next request half-way, and
   * that request would be lost. One that comes in time is served, and told to go elsewhere.
   */
  private async untilIdle(deadline: number, patienceMs: number): Promise<void> {
    const { sweeper } = this.edge;
    let received = -1;
    let quietSince = performance.now();
    while (this.sockets.size > 0 || sweeper.size > 0) {
      const nowMs = performance.now();
      if (nowMs >= deadline || !this.patient) return;
      const receivedNow = this.receivedBytes();
      if (receivedNow !== received || sweeper.size > 0) quietSince = nowMs;
      received = receivedNow;
      if (patienceMs === 0 || nowMs - quietSince >= patienceMs) this.closeIdle();
      await delay(DRAIN_CHECK_MS);
    }
  }

  /** What was reserved for a client that has left is to be settled while somebody still takes settlements. */
  private async untilAdmitted(): Promise<void> {
    const deadline = performance.now() + LAST_ADMISSIONS_MS;
    while (this.edge.admissions.areUnderWay && performance.now() < deadline) await delay(DRAIN_CHECK_MS);
  }

  private receivedBytes(): number {
    let bytes = 0;
    for (const socket of this.sockets) bytes += socket.bytesRead;
    return bytes;
  }

  /** Closes the connections without a request, unless some client has yet to read: Node takes its connection for idle. */
  private closeIdle(): void {
    for (const socket of this.sockets) if (socket.writableLength > 0) return;
    this.server.closeIdleConnections();
    // To Node, one that never sent anything is about to.
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy();
  }
}

function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const message = `The request could not be read as HTTP (${STATUS_CODES[status] ?? 'bad request'}).`;
  socket.end(
    rawReply(status, JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } })),
  );
}

function rawReply(status: number, body: string): string {
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
