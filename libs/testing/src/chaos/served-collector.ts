import type { RunningSimulator, ServedRequest } from '@switchboard/simulator';

const POLL_MS = 1_000;
const MODEL_PATHS = new Set(['/v1/messages', '/v1/chat/completions']);

/** Keeps all that the simulator served, however long the run: its own log forgets all but the last 10,000. */
export class ServedCollector {
  /** By place since the start; one that was under way is read again. */
  private readonly seen: ServedRequest[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly simulator: RunningSimulator) {
    simulator.reset();
    this.timer = setInterval(() => this.collect(), POLL_MS);
  }

  /** Model requests, in the order they came. @throws Error where some went by unseen. */
  requests(): ServedRequest[] {
    this.collect();
    return this.seen.filter(({ path }) => MODEL_PATHS.has(path));
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private collect(): void {
    const { requests, totals } = this.simulator.served();
    const first = totals.requests - requests.length;
    if (first > this.seen.length) throw new Error(`${first - this.seen.length} served requests went by unseen`);
    requests.forEach((request, index) => (this.seen[first + index] = request));
  }
}
