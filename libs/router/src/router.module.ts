import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import type { HealthCheck } from '@switchboard/contracts';
import { ROUTER_HEALTH } from './client';
import { createRouter, type Router, type RouterOptions } from './router';

const ROUTER = Symbol('ROUTER');

/** Publishes the routing snapshot and explains it; provides ROUTER_HEALTH. */
@Module({})
export class RouterModule implements BeforeApplicationShutdown {
  constructor(@Inject(ROUTER) private readonly router: Router) {}

  static forRoot(options: RouterOptions): DynamicModule {
    return {
      module: RouterModule,
      global: true,
      providers: [
        { provide: ROUTER, useFactory: () => createRouter(options) },
        { provide: ROUTER_HEALTH, useFactory: ({ health }: Router): HealthCheck => health, inject: [ROUTER] },
      ],
      exports: [ROUTER_HEALTH],
    };
  }

  /** Before the host lets go of the bus. */
  beforeApplicationShutdown(): Promise<void> {
    return this.router.close();
  }
}
