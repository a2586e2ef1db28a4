import type { ReceivedRequest, RunningSimulator, ServedRequest } from '@switchboard/simulator';
import type { RecordedCall, RecordingProxy } from '../e2e/recording-proxy';
import { runClientProcess, type ClientOutcome, type ClientProcess } from './client-process';
import { Discrepancy, type Upstream } from './trial';

/** The most requests that the simulator keeps. */
const RECEIVED_MOST = 200;
const SHOWN_CHARACTERS = 300;

/** One scenario of one client on one upstream: where it plays, and what is known of it. Created per cell. */
export class Cell {
  /** What the client ran and printed so far, for people who look into a failure. */
  readonly log: string[] = [];

  constructor(
    readonly upstream: Upstream,
    /** The catalog id of its own model. */
    readonly model: string,
    readonly key: string,
    /** Its own, and exists. */
    readonly folder: string,
    private readonly proxy: RecordingProxy,
    private readonly simulator: RunningSimulator,
  ) {}

  /** Without a path. */
  get gatewayUrl(): string {
    return this.proxy.url;
  }

  /** What the client posted to the gateway, and how that was answered. */
  calls(): RecordedCall[] {
    return this.proxy.calls();
  }

  /** Rejects with a {@link Discrepancy} where the client does not end by itself. */
  async run(call: Omit<ClientProcess, 'folder'>): Promise<ClientOutcome> {
    const outcome = await this.runFor(call);
    const { stdout, stderr, timedOut } = outcome;
    if (timedOut) throw new Discrepancy(`did not end; last said: ${shown(stdout + stderr)}`);
    return outcome;
  }

  /** As {@link run}, but it need not end: what it did until its limit is what counts. */
  async runFor(call: Omit<ClientProcess, 'folder'>): Promise<ClientOutcome> {
    const outcome = await runClientProcess({ ...call, folder: this.folder }).catch((error: Error) => {
      throw new Discrepancy(`did not start: ${error.message}`, { cause: error });
    });
    const command = [call.program, ...call.args].join(' ');
    const { code, stdout, stderr } = outcome;
    this.log.push(`$ ${command}\n[${code}]`, `--- stdout\n${stdout}`, `--- stderr\n${stderr}`);
    return outcome;
  }

  /** As {@link run}; rejects where the exit code is not 0. */
  async runWell(call: Omit<ClientProcess, 'folder'>): Promise<ClientOutcome> {
    const outcome = await this.run(call);
    if (outcome.code !== 0) {
      throw new Discrepancy(`ended with ${outcome.code}: ${shown(outcome.stderr + outcome.stdout)}`);
    }
    return outcome;
  }

  /** What reached the upstream, oldest first: conversations, without token counts and model lists. */
  received(): ReceivedRequest[] {
    return this.simulator
      .received(RECEIVED_MOST)
      .filter(({ method, path }) => method === 'POST' && isConversation(path));
  }

  /** The same as JSON, of which one may ask what it includes. */
  receivedBodies(): string[] {
    return this.received().map(({ body }) => JSON.stringify(body));
  }

  /** What became of them. */
  served(): ServedRequest[] {
    return this.simulator.served().requests.filter(({ path }) => isConversation(path));
  }
}

/** The end of a text, where programs say what went wrong, on one line. */
export function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHOWN_CHARACTERS ? `… ${line.slice(-SHOWN_CHARACTERS)}` : line;
}

function isConversation(path: string): boolean {
  return /\/(messages|completions|responses)(\?|$)/.test(path);
}
