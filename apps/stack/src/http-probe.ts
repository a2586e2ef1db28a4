import { Agent, request } from 'node:http';

const TIMEOUT_MS = 3_000;

/** Asks one address over and over, on one connection. */
export class HttpProbe {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  /** Whether it answers 200 in time. */
  answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const outgoing = request(this.url, { agent: this.agent, headers: this.headers, timeout: TIMEOUT_MS });
      outgoing.on('response', (reply) => {
        // A reply that breaks off: the socket's own error says no more than the missing end does.
        reply.on('error', () => undefined);
        reply.resume();
        resolve(reply.statusCode === 200);
      });
      outgoing.on('timeout', () => outgoing.destroy());
      // Nobody there, or gone meanwhile: that is what was asked.
      outgoing.on('error', () => resolve(false));
      outgoing.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
