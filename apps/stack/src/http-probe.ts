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
  async answers(): Promise<boolean> {
    return (await this.body()) !== undefined;
  }

  /** Of a whole answer of 200, in time. */
  body(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const outgoing = request(this.url, { agent: this.agent, headers: this.headers, timeout: TIMEOUT_MS });
      // Nobody there, gone meanwhile, or silent: that is what was asked.
      const none = (): void => resolve(undefined);
      outgoing.on('error', none);
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('response', (reply) => {
        let text = '';
        reply.setEncoding('utf8');
        reply.on('data', (chunk: string) => (text += chunk));
        reply.on('error', none);
        reply.on('end', () => resolve(reply.statusCode === 200 ? text : undefined));
      });
      outgoing.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
