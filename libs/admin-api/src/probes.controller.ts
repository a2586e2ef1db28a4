import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';

interface Reply {
  status(code: number): unknown;
}

interface CheckResult {
  status: 'up' | 'down';
  required: boolean;
  latencyMs: number;
  error?: string;
}

interface Readiness {
  /** `degraded`: serves, without a dependency that is not required. */
  status: 'ready' | 'degraded' | 'unavailable';
  checks: Record<string, CheckResult>;
}

const CHECK_TIMEOUT_MS = 2_000;

@Controller()
export class ProbesController {
  constructor(@Inject(HEALTH_CHECKS) private readonly checks: readonly HealthCheck[]) {}

  /** Whether the process answers at all: says nothing of what it depends on, for a restart would not mend that. */
  @Get('healthz')
  alive(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 while every required dependency is up, else 503. */
  @Get('readyz')
  async ready(@Res({ passthrough: true }) reply: Reply): Promise<Readiness> {
    const results = await Promise.all(this.checks.map(async (check) => [check.name, await resultOf(check)] as const));
    const down = results.filter(([, result]) => result.status === 'down');
    const unavailable = down.some(([, result]) => result.required);
    if (unavailable) reply.status(503);
    const status = unavailable ? 'unavailable' : down.length > 0 ? 'degraded' : 'ready';
    return { status, checks: Object.fromEntries(results) };
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
