import { type DynamicModule, Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller';
import { ADMIN_OPTIONS, type AdminApiOptions } from './options';
import { ProbesController } from './probes.controller';
import { UsageController } from './usage.controller';

/** The private port: `/healthz`, `/readyz`, `/metrics` for the platform, `/api/v1` for who bears the admin token. */
@Module({})
export class AdminApiModule {
  static forRoot(options: AdminApiOptions): DynamicModule {
    return {
      module: AdminApiModule,
      imports: options.imports ?? [],
      controllers: [ProbesController, MetricsController, UsageController],
      providers: [{ provide: ADMIN_OPTIONS, useValue: options }, ...(options.providers ?? [])],
    };
  }
}
