import type { HealthCheck } from '@switchboard/contracts';
import type { PublicServer } from './adapters/public-server';

export interface PublicPortOptions {
  port: number;
  host: string;
  /** Resolves when the server can be made. */
  ready: Promise<void>;
  create: () => PublicServer;
}

/** A public port that opens when what it serves from is there, and tells until then that it is not. */
export class PublicPort {
  private server: PublicServer | undefined;
  private listening = false;
  private closed = false;

  constructor(private readonly options: PublicPortOptions) {}

  readonly health: HealthCheck = {
    name: 'public-port',
    required: true,
    check: () => {
      if (this.server === undefined) return Promise.reject(new Error('waiting for the first catalog'));
      return this.listening ? this.server.health.check() : Promise.reject(new Error('not listening yet'));
    },
  };

  /** Resolves with the port once it listens; undefined where it was closed before. Rejects as `listen` does. */
  async open(): Promise<number | undefined> {
    const { ready, create, port, host } = this.options;
    await ready;
    if (this.closed) return undefined;
    this.server = create();
    const listeningOn = await this.server.listen(port, host);
    this.listening = true;
    return listeningOn;
  }

  cutShort(): void {
    this.server?.cutShort();
  }

  /** Drains what is open. */
  async close(): Promise<void> {
    this.closed = true;
    await this.server?.close();
  }
}
