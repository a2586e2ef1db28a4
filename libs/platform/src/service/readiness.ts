import { setTimeout as delay } from 'node:timers/promises';
import type { HealthCheck } from '@switchboard/contracts';
import type { Logger } from '../logging/logger';

export interface CheckResult {
  status: 'up' | 'down';
  required: boolean;
  latencyMs: number;
  error?: string;
}

export interface ReadinessReport {
  /** `degraded`: serves, without a dependency that is not required. */
  status: 'ready' | 'degraded' | 'unavailable';
  checks: Record<string, CheckResult>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Whether the process can do its work, by the health checks of what it depends on; a change is logged once. */
export class Readiness {
  private logged: string | undefined;
  private latest: ReadinessReport['status'] | undefined;

  constructor(
    private readonly checks: readonly HealthCheck[],
    private readonly log: Logger,
  ) {}

  /** As of the last report; false before the first. */
  get isUnavailable(): boolean {
    return this.latest === 'unavailable';
  }

  /** Runs every check at once; resolves within little more than two seconds, whatever hangs. */
  async report(): Promise<ReadinessReport> {
    const results = await Promise.all(this.checks.map(async (check) => [check.name, await resultOf(check)] as const));
    const down = results.filter(([, result]) => result.status === 'down');
    const unavailable = down.some(([, result]) => result.required);
    const report: ReadinessReport = {
      status: unavailable ? 'unavailable' : down.length > 0 ? 'degraded' : 'ready',
      checks: Object.fromEntries(results),
    };
    this.latest = report.status;
    this.logChange(report.status, Object.fromEntries(down.map(([name, { error }]) => [name, error])));
    return report;
  }

  private logChange(status: ReadinessReport['status'], down: Record<string, string | undefined>): void {
    const state = [status, ...Object.keys(down)].join();
    if (state === this.logged) return;
    this.logged = state;
    if (status === 'ready') this.log.info('ready');
    else if (status === 'degraded') this.log.warn({ down }, 'ready, but degraded');
    else this.log.warn({ down }, 'not ready');
  }
}

async function resultOf(dependency: HealthCheck): Promise<CheckResult> {
  const { required } = dependency;
  const startedAt = performance.now();
  const timer = new AbortController();
  try {
    await Promise.race([
      dependency.check(),
      delay(CHECK_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`);
      }),
    ]);
    return { status: 'up', required, latencyMs: Math.round(performance.now() - startedAt) };
  } catch (error) {
    const latencyMs = Math.round(performance.now() - startedAt);
    return { status: 'down', required, latencyMs, error: error instanceof Error ? error.message : String(error) };
  } finally {
    timer.abort();
  }
}
