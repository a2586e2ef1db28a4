import { createServer, STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HealthCheck } from '@switchboard/contracts';
import type { EdgeContext } from '../inference/edge-context';
import { PublicHandler } from '../public-handler';

/**
 * The public port. A plain `node:http` server: Nest composes what stands behind it, but its pipeline is not on the path
 * of a request (see the ADR on the public port).
 */
export class PublicServer {
  private readonly server: Server;
  private draining = false;

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
    this.server.on('upgrade', refuseUpgrade);
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

  /** Takes no new connections, lets open replies finish within `drainMs`, then ends what is left in its own dialect. */
  async close(): Promise<void> {
    this.draining = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const { sweeper, settings } = this.edge;
    const deadline = performance.now() + settings.drainMs;
    while (sweeper.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      // A kept connection whose reply has ended would hold the server open.
      this.server.closeIdleConnections();
    }
    sweeper.stop();
    const cut = setTimeout(() => this.server.closeAllConnections(), 1000);
    this.server.closeIdleConnections();
    await closed;
    clearTimeout(cut);
    await Promise.all([this.edge.pools.close(), this.edge.tokens.close()]);
  }
}

/** Codex tries a WebSocket first; 426 sends it to HTTP at once, where other statuses cost it seconds of retries. */
function refuseUpgrade(_request: IncomingMessage, socket: Duplex): void {
  const body = JSON.stringify({
    error: {
      message: 'WebSockets are not served here; use HTTP.',
      type: 'invalid_request_error',
      param: null,
      code: 'upgrade_required',
    },
  });
  socket.end(rawReply(426, body));
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
    ...(status === 426 ? ['upgrade: HTTP/1.1'] : []),
    '',
    body,
  ].join('\r\n');
}
