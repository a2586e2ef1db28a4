import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Metrics } from '../metrics/metrics';
import { listeningUrl } from './listening-url';

/**
 * The private port of a service. It listens before anything else starts and until everything else has stopped, and
 * answers the probes itself while the application cannot: `/readyz` is 503 then, with the phase as its status.
 */
export class PrivatePort {
  private phase: 'starting' | 'serving' | 'draining' = 'starting';
  private drainBeganMs = 0;
  private application: RequestListener | undefined;
  /** Of the application, under way. */
  private readonly replies = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    private readonly metrics: Metrics,
    readonly url: string,
  ) {
    server.on('request', (request, reply) => this.handle(request, reply));
  }

  /** @throws the error of `listen`, EADDRINUSE say. */
  static async listen(options: { port: number; host: string; metrics: Metrics }): Promise<PrivatePort> {
    const server = createServer();
    server.listen(options.port, options.host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return new PrivatePort(server, options.metrics, listeningUrl(options.host, port));
  }

  /** For the application that this port passes its requests on to, once `serve` was called. */
  adapter(): FastifyAdapter {
    return new FastifyAdapter({
      // An id of a key of gateway.yaml holds its tenant's and its own name: longer than Fastify's 100.
      routerOptions: { maxParamLength: 1024 },
      // Fastify neither listens nor closes a server that it was given and did not start.
      serverFactory: (application: RequestListener) => {
        this.application = application;
        return this.server;
      },
    });
  }

  serve(): void {
    if (this.phase === 'starting') this.phase = 'serving';
  }

  /** Readiness is off from now on. What is no probe still reaches the application, and its client is told to leave. */
  drain(): void {
    this.phase = 'draining';
    this.drainBeganMs = performance.now();
    for (const reply of this.replies) askToLeave(reply);
  }

  /** How long ago it began to drain; 0: it did not. */
  get drainingMs(): number {
    return this.phase === 'draining' ? performance.now() - this.drainBeganMs : 0;
  }

  /**
   * Resolves when the application owes nobody a reply, within `limitMs`, and no connection is kept: the application can go.
   *
   * @returns how many replies were cut off.
   */
  async finish(limitMs: number): Promise<number> {
    const deadline = AbortSignal.timeout(limitMs);
    for (const reply of this.replies) {
      if (deadline.aborted) break;
      // Its client may leave, too.
      await once(reply, 'close', { signal: deadline }).catch(() => undefined);
    }
    const late = this.replies.size;
    for (const reply of this.replies) reply.destroy();
    this.server.closeIdleConnections();
    return late;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private handle(request: IncomingMessage, reply: ServerResponse): void {
    if (this.phase !== 'serving' && this.answerProbe(request, reply)) return;
    if (this.phase === 'starting' || this.application === undefined) {
      send(reply, 503, { error: { code: this.phase, message: `The service is ${this.phase}.` } });
      return;
    }
    this.replies.add(reply);
    reply.once('close', () => this.replies.delete(reply));
    if (this.phase === 'draining') askToLeave(reply);
    this.application(request, reply);
  }

  private answerProbe(request: IncomingMessage, reply: ServerResponse): boolean {
    switch (request.url?.split('?', 1)[0]) {
      case '/healthz':
        send(reply, 200, { status: 'ok' });
        return true;
      case '/readyz':
        send(reply, 503, { status: this.phase, checks: {} });
        return true;
      case '/metrics':
        this.sendMetrics(reply);
        return true;
      default:
        return false;
    }
  }

  private sendMetrics(reply: ServerResponse): void {
    const { registry } = this.metrics;
    registry.metrics().then(
      (text) => reply.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => send(reply, 500, { error: { code: 'internal', message: String(error) } }),
    );
  }
}

function askToLeave(reply: ServerResponse): void {
  if (!reply.headersSent) reply.shouldKeepAlive = false;
}

function send(reply: ServerResponse, status: number, body: object): void {
  reply.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}
