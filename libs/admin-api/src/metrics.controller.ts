import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ADMIN_OPTIONS, type AdminApiOptions } from './options';

interface Reply {
  header(name: string, value: string): unknown;
}

@Controller('metrics')
export class MetricsController {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: AdminApiOptions) {}

  /** The Prometheus text format. */
  @Get()
  async metrics(@Res({ passthrough: true }) reply: Reply): Promise<string> {
    const { registry } = this.options.metrics;
    reply.header('content-type', registry.contentType);
    return registry.metrics();
  }
}
