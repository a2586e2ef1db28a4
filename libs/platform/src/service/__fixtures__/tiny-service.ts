/**
 * A service that does nothing but start, serve and stop as its environment says, for the tests of the runner:
 * INIT_MS, STOP_MS, STOP_LIMIT_MS, GRACE_MS, REPLY_MS (of `/work`, on its private port), UP_AFTER_MS (its one dependency),
 * BREAK (`init`, `start`, `stray`).
 */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get } from '@nestjs/common';
import { BUCKETS, decodeJson, HEALTH_CHECKS, type HealthCheck, type HeartbeatV1 } from '@switchboard/contracts';
import { createLocalBus } from '../../bus/local-bus';
import { createLogger } from '../../logging/logger';
import { createMetrics } from '../../metrics/metrics';
import { runService } from '../run-service';

const { env } = process;
const ms = (name: string): number => Number(env[name] ?? '0');
const log = createLogger({ level: 'info', name: 'tiny' });
const bus = createLocalBus({ log });
const startedAt = performance.now();

const dependency: HealthCheck = {
  name: 'dependency',
  required: true,
  check: () =>
    performance.now() - startedAt >= ms('UP_AFTER_MS') ? Promise.resolve() : Promise.reject(new Error('not yet')),
};

@Controller()
class WorkController {
  @Get('work')
  async work(): Promise<string> {
    log.info('work begins');
    await delay(ms('REPLY_MS'));
    log.info('work ends');
    return 'done';
  }
}

class TinyModule {
  async onModuleInit(): Promise<void> {
    log.info('init');
    await delay(ms('INIT_MS'));
    if (env['BREAK'] === 'init') throw new Error('the dependency is of the wrong kind');
  }

  async beforeApplicationShutdown(): Promise<void> {
    log.info('streams end');
    await delay(ms('STOP_MS'));
  }

  onApplicationShutdown(): void {
    log.info('application stopped');
  }
}

bus.bucket(BUCKETS.services).watch({
  onEntry: ({ key, value }) => {
    const heartbeat = value === undefined ? undefined : decodeJson<HeartbeatV1>(value);
    log.info({ key, heartbeat }, heartbeat === undefined ? 'heartbeat gone' : 'heartbeat');
  },
});

void runService({
  name: 'tiny',
  version: '1.2.3',
  settings: { ADMIN_PORT: ms('ADMIN_PORT'), ADMIN_HOST: '127.0.0.1', INSTANCE: 'one' },
  module: {
    module: TinyModule,
    controllers: [WorkController],
    providers: [{ provide: HEALTH_CHECKS, useValue: [dependency] }],
    exports: [HEALTH_CHECKS],
  },
  log,
  metrics: createMetrics(),
  bus,
  readinessGraceMs: ms('GRACE_MS'),
  stopLimitMs: env['STOP_LIMIT_MS'] === undefined ? undefined : ms('STOP_LIMIT_MS'),
  start: () => {
    if (env['BREAK'] === 'start') return Promise.reject(new Error('the public port is taken'));
    if (env['BREAK'] === 'stray') setTimeout(() => void Promise.reject(new Error('nobody awaits me')), 100);
    log.info('started');
    return Promise.resolve();
  },
});
