import { type DynamicModule, Module } from '@nestjs/common';
import { ADMIN_OPTIONS, type AdminApiOptions } from './options';
import { UsageController } from './usage.controller';

/** `/api/v1` of the private port, for who bears the admin token. */
@Module({})
export class AdminApiModule {
  static forRoot(options: AdminApiOptions): DynamicModule {
    return {
      module: AdminApiModule,
      imports: options.imports ?? [],
      controllers: [UsageController],
      providers: [{ provide: ADMIN_OPTIONS, useValue: options }, ...(options.providers ?? [])],
    };
  }
}
