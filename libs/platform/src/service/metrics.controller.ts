import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { Metrics } from '../metrics/metrics';

export const PRIVATE_PORT_METRICS = Symbol('PRIVATE_PORT_METRICS');

interface Reply {
  header(name: string, value: string): unknown;
}

@Controller('metrics')
export class MetricsController {
  constructor(@Inject(PRIVATE_PORT_METRICS) private readonly processMetrics: Metrics) {}

  /** The Prometheus text format. */
  @Get()
  async metrics(@Res({ passthrough: true }) reply: Reply): Promise<string> {
    const { registry } = this.processMetrics;
    reply.header('content-type', registry.contentType);
    return registry.metrics();
  }
}
