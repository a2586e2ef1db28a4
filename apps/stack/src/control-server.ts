import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACTIONS, isSignal, type Action } from './arguments';

/** Resolves with what was done, in words. @throws ControlError for what cannot be done. */
export type Control = (action: Action, name: string | undefined, signal: NodeJS.Signals) => Promise<string>;

/** The one who asked is at fault; the message says how. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/** `POST /stop?name=redis` and its like, on 127.0.0.1, for who knows the token. One action at a time. */
export class ControlServer {
  private readonly server: Server;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly control: Control,
    private readonly token: string,
  ) {
    // A rolling restart takes as long as it takes.
    this.server = createServer({ requestTimeout: 0 }, (request, response) => void this.handle(request, response));
  }

  /** @returns its URL. */
  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const { status, text } = await this.answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(status < 300 ? { done: text } : { error: text })}\n`);
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; text: string }> {
    if (!this.isAllowed(request.headers.authorization)) return { status: 401, text: 'the token is missing or wrong' };
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const action = ACTIONS.find((known) => url.pathname === `/${known}`);
    if (action === undefined) return { status: 404, text: `unknown path, must be one of /${ACTIONS.join(', /')}` };
    if (request.method !== 'POST') return { status: 405, text: 'POST only' };
    const signal = url.searchParams.get('signal') ?? 'SIGKILL';
    if (!isSignal(signal)) return { status: 400, text: `unknown signal ${signal}` };
    const turn = this.queue.then(() => this.control(action, url.searchParams.get('name') ?? undefined, signal));
    // Whether one failed is for who asked for it; the next one's turn comes either way.
    this.queue = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return { status: 200, text: await turn };
    } catch (error) {
      return { status: error instanceof ControlError ? 400 : 500, text: (error as Error).message };
    }
  }

  private isAllowed(authorization: string | undefined): boolean {
    const given = Buffer.from(authorization ?? '');
    const wanted = Buffer.from(`Bearer ${this.token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}
