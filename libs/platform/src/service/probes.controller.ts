import { Controller, Get, Inject, Res } from '@nestjs/common';
import { Readiness, type ReadinessReport } from './readiness';

interface Reply {
  status(code: number): unknown;
}

@Controller()
export class ProbesController {
  constructor(@Inject(Readiness) private readonly readiness: Readiness) {}

  /** Whether the process answers at all: says nothing of what it depends on, for a restart would not mend that. */
  @Get('healthz')
  alive(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 while every required dependency is up, else 503. */
  @Get('readyz')
  async ready(@Res({ passthrough: true }) reply: Reply): Promise<ReadinessReport> {
    const report = await this.readiness.report();
    if (report.status === 'unavailable') reply.status(503);
    return report;
  }
}
