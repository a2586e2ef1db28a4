import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { freePort } from '@switchboard/platform';
import { send } from '../e2e/http-exchange';
import { eventually } from '../e2e/usage-ledger';
import { exitOf, withoutProviderKeys } from '../gateway-process';

const MAIN = path.resolve(__dirname, '../../../../apps/simulator/dist/main.js');
const START_LIMIT_MS = 20_000;

/** A simulator as a process of its own, always at one address: to be killed, stopped, spoilt, and put right again. */
export class UpstreamProcess {
  private child: ChildProcess | undefined;
  /** What those saw that were killed. */
  private receivedBefore = 0;

  private constructor(
    /** The provider's id. */
    readonly id: string,
    readonly port: number,
  ) {}

  static async start(id: string): Promise<UpstreamProcess> {
    const upstream = new UpstreamProcess(id, await freePort());
    await upstream.start();
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const env = { ...withoutProviderKeys(process.env), PORT: String(this.port), HOST: '127.0.0.1' };
    this.child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    await this.untilAnswers();
  }

  /** Connections break, new ones are refused. */
  async kill(): Promise<void> {
    this.receivedBefore = await this.received();
    await this.end();
  }

  /** The kernel still takes connections for it, and nobody answers them. */
  hang(): Promise<void> {
    this.child?.kill('SIGSTOP');
    return Promise.resolve();
  }

  async wake(): Promise<void> {
    this.child?.kill('SIGCONT');
    await this.untilAnswers();
  }

  /** `status=500&retry_after=5`: settings of the simulator for every request from here on; empty: none. */
  async behave(settings: string): Promise<void> {
    const reply = await send(this.url, { method: 'POST', path: `/__behaviour?${settings}` });
    if (reply.status !== 200) throw new Error(`the simulator does not know ${settings}: ${reply.text}`);
  }

  /** Model requests since its first start. */
  async received(): Promise<number> {
    // The totals alone: no request has this id.
    const reply = await send(this.url, { path: '/__served?request_id=none' });
    const { totals } = JSON.parse(reply.text) as { totals: { requests: number } };
    return this.receivedBefore + totals.requests;
  }

  /** However it is: also one that hangs, or that is gone. */
  async end(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    const exited = exitOf(child);
    child.kill('SIGKILL');
    await exited;
  }

  private async untilAnswers(): Promise<void> {
    const answers = async (): Promise<boolean> => {
      if (this.child?.exitCode !== null) throw new Error(`the simulator of ${this.id} ended`);
      const reply = await send(this.url, { path: '/healthz' }).catch(() => undefined);
      return reply?.status === 200;
    };
    await eventually(`${this.id} answers`, answers, START_LIMIT_MS);
  }
}
