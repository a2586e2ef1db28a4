import { setTimeout as delay } from 'node:timers/promises';
import { type DynamicModule, type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { BUS, type Bus } from '@switchboard/contracts';
import type { Logger } from '../logging/logger';
import type { Metrics } from '../metrics/metrics';
import type { Tracing } from '../tracing/open-tracing';
import { Heartbeat } from './heartbeat';
import { logWritten } from './log-written';
import { nestLogger } from './nest-logger';
import { PrivatePort } from './private-port';
import { PrivatePortModule } from './private-port.module';
import { Readiness } from './readiness';
import { releaseVersion } from './release-version';
import { registerBuildInfo, registerDrainMetrics } from './service-metrics';
import type { ServiceSettings } from './settings';
import { explainStartFault } from './start-fault';
import { stopOnSignals } from './stop-signals';

export interface ServiceOptions {
  /** Of the service, in heartbeats and logs: `edge-api`. */
  name: string;
  /** Absent: the release's. */
  version?: string;
  settings: Pick<ServiceSettings, 'ADMIN_PORT' | 'ADMIN_HOST' | 'INSTANCE'>;
  /** What the service does. Exports HEALTH_CHECKS. Its controllers answer on the private port. */
  module: DynamicModule | Type;
  log: Logger;
  metrics: Metrics;
  /** Bound to BUS in every module; closed last, when the application has stopped. Absent: no heartbeat. */
  bus?: Bus;
  /** Closed when the application has stopped: its last spans are sent. */
  tracing?: Tracing | undefined;
  /** Opens a public port, say, once the application stands. */
  start?(app: INestApplicationContext): Promise<void>;
  /** How long new work is still taken after readiness went off, for balancers to notice. Default 0. */
  readinessGraceMs?: number;
  /** How long the application may take to stop, open streams included. Default 30 s. */
  stopLimitMs?: number;
}

export interface RunningService {
  app: INestApplicationContext;
  /** Of the private port. */
  adminUrl: string;
}

const STOP_LIMIT_MS = 30_000;
/** For the private port's: an export of usage, say. */
const REPLIES_LIMIT_MS = 10_000;

@Module({})
class ServiceModule {}

/**
 * Runs this process as a service, until a signal ends it. The private port comes first and goes last; in between the
 * application starts, which may take as long as its dependencies do, and serves.
 *
 * The process ends with 0 after a first SIGINT or SIGTERM and a complete stop, 130 at the second, 1 when it cannot start,
 * cannot stop in time, or an error reaches the top. All of it is told in the log.
 */
export async function runService(options: ServiceOptions): Promise<RunningService> {
  endOnStrayErrors(options.log);
  const service = new Service(options);
  stopOnSignals({
    announce: (signal) => options.log.info({ signal }, 'stopping'),
    stop: () => service.stop(),
    failed: (error) => void die(options.log, error, 'could not stop cleanly'),
  });
  try {
    return await service.start();
  } catch (error) {
    if (service.stopping) return neverStarted();
    return die(options.log, error, `cannot start: ${explainStartFault(error)}`);
  }
}

class Service {
  private port: PrivatePort | undefined;
  private app: NestFastifyApplication | undefined;
  private heartbeat: Heartbeat | undefined;
  stopping = false;

  constructor(private readonly options: ServiceOptions) {}

  async start(): Promise<RunningService> {
    const { name, settings, log, metrics, bus, start } = this.options;
    const version = this.options.version ?? releaseVersion();
    registerBuildInfo(metrics, { component: name, version });
    registerDrainMetrics(metrics, () => this.port?.drainingMs ?? 0);
    this.port = await PrivatePort.listen({ port: settings.ADMIN_PORT, host: settings.ADMIN_HOST, metrics });
    log.info({ version, instance: settings.INSTANCE, adminUrl: this.port.url }, 'starting');
    const app = await this.createApplication(this.port);
    if (this.stopping) return neverStarted();
    this.app = app;
    this.port.serve();
    const readiness = app.get(Readiness, { strict: false });
    if (bus !== undefined) {
      this.heartbeat = new Heartbeat(bus, { service: name, instance: settings.INSTANCE, version }, readiness, log);
    }
    await start?.(app);
    return { app, adminUrl: this.port.url };
  }

  /** Before the application stands nothing was taken on, and nothing of it is waited for. */
  async stop(): Promise<void> {
    const { bus, tracing, log, readinessGraceMs = 0, stopLimitMs = STOP_LIMIT_MS } = this.options;
    this.stopping = true;
    this.port?.drain();
    this.heartbeat?.drain();
    try {
      if (this.app !== undefined) {
        // Nobody is sent to one that was not ready, so there is nobody to notice.
        if (!this.app.get(Readiness, { strict: false }).isUnavailable) await delay(readinessGraceMs);
        const replies = await this.port?.finish(Math.min(REPLIES_LIMIT_MS, stopLimitMs));
        if (replies !== undefined && replies > 0) log.warn({ replies }, 'replies are cut off');
        await within(stopLimitMs, this.app.close());
      }
    } finally {
      await this.heartbeat?.stop();
      await within(STOP_LIMIT_MS, bus?.close());
      await tracing?.close();
      await this.port?.close();
    }
    log.info('stopped');
    await logWritten(log);
  }

  private async createApplication(port: PrivatePort): Promise<NestFastifyApplication> {
    const { module, log, metrics, bus } = this.options;
    const providers = bus === undefined ? [] : [{ provide: BUS, useValue: bus }];
    const root: DynamicModule = {
      module: ServiceModule,
      global: true,
      imports: [module, PrivatePortModule.forRoot({ metrics, logger: log, imports: [module] })],
      providers,
      exports: providers.map(({ provide }) => provide),
    };
    const app = await NestFactory.create<NestFastifyApplication>(root, port.adapter(), {
      logger: nestLogger(log),
      abortOnError: false,
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return app;
  }
}

/** A start that a signal overtook: the process ends before anything would come of it. */
function neverStarted(): Promise<never> {
  return new Promise(() => undefined);
}

async function within(limitMs: number, work: Promise<void> | undefined): Promise<void> {
  const timer = new AbortController();
  try {
    const late = delay(limitMs, undefined, { signal: timer.signal });
    await Promise.race([work, late.then(() => Promise.reject(new Error(`not stopped within ${limitMs} ms`)))]);
  } finally {
    timer.abort();
  }
}

function endOnStrayErrors(log: Logger): void {
  process.on('uncaughtException', (error) => void die(log, error, 'an error reached the top'));
  process.on('unhandledRejection', (reason) => void die(log, reason, 'a rejection reached the top'));
}

async function die(log: Logger, error: unknown, text: string): Promise<never> {
  log.fatal({ err: error }, text);
  await logWritten(log);
  process.exit(1);
}
