import { type BeforeApplicationShutdown, type DynamicModule, Inject, Module } from '@nestjs/common';
import {
  CALL_LOG,
  type CallLog,
  type HealthCheck,
  LIMITER,
  type Limiter,
  RESPONSE_STORE,
  type ResponseStore,
  USAGE_SINK,
  type UsageSink,
} from '@switchboard/contracts';
import { EDGE_HEALTH } from './client';
import { EdgeReplica, type EdgeReplicaOptions } from './edge-replica';

export type EdgeApiOptions = Omit<EdgeReplicaOptions, 'usage' | 'calls' | 'responses' | 'limiter'>;

/**
 * An edge as a Nest module. Needs USAGE_SINK, CALL_LOG, RESPONSE_STORE and LIMITER from its host, and opens the public port when its
 * host calls `EdgeReplica.open`; at shutdown open replies end first. Provides EDGE_HEALTH.
 */
@Module({})
export class EdgeApiModule implements BeforeApplicationShutdown {
  constructor(@Inject(EdgeReplica) private readonly replica: EdgeReplica) {}

  static forRoot(options: EdgeApiOptions): DynamicModule {
    return {
      module: EdgeApiModule,
      global: true,
      providers: [
        {
          provide: EdgeReplica,
          inject: [USAGE_SINK, CALL_LOG, RESPONSE_STORE, LIMITER],
          useFactory: (usage: UsageSink, calls: CallLog, responses: ResponseStore | undefined, limiter: Limiter) =>
            new EdgeReplica({ ...options, usage, calls, responses, limiter }),
        },
        { provide: EDGE_HEALTH, inject: [EdgeReplica], useFactory: ({ health }: EdgeReplica): HealthCheck[] => health },
      ],
      exports: [EdgeReplica, EDGE_HEALTH],
    };
  }

  /** Before the others shut down: open replies still have usage to record. */
  beforeApplicationShutdown(): Promise<void> {
    return this.replica.close();
  }
}
