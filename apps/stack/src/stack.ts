import { randomBytes } from 'node:crypto';
import path from 'node:path';
import {
  banner,
  createLogger,
  lockDataDir,
  listeningUrl,
  planFirstRun,
  type FirstRun,
  type GatewayConfig,
  type Logger,
  freePort,
} from '@switchboard/platform';
import type { Action } from './arguments';
import { Balancer } from './balancer';
import { controlStack, STOP_LIMIT_MS, type StackProcesses } from './control-actions';
import { ControlServer } from './control-server';
import { Guardian } from './guardian';
import { untilServing } from './start-watch';
import { ProcessLogs } from './process-log';
import { createServers } from './servers';
import { createServices, createSimulator, type ServiceTools } from './services';
import type { Settings } from './settings';
import { StatePublisher } from './state-publisher';
import { type Replicas, type ServiceName } from './topology';

export interface StackOptions {
  settings: Settings;
  env: NodeJS.ProcessEnv;
  replicas: Replicas;
  config: GatewayConfig;
  /** The file the configuration came from. */
  source: string | undefined;
}

type Stop = () => Promise<unknown>;

/** Servers, services, the front and what is needed to act upon them. Parts stop in the order opposite to their start. */
export class Stack {
  private readonly stops: Stop[] = [];
  private readonly stopping = new AbortController();
  private starting: Promise<string> | undefined;
  private stopped: Promise<void> | undefined;
  private processes: StackProcesses | undefined;

  constructor(private readonly options: StackOptions) {}

  /**
   * Resolves with the lines to print, once requests are answered.
   *
   * @throws when it cannot start, everything stopped again; when it was stopped meanwhile.
   */
  async start(): Promise<string> {
    try {
      return await (this.starting = this.startParts());
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Idempotent. */
  stop(): Promise<void> {
    return (this.stopped ??= this.stopParts());
  }

  /** Replaces every service in turn. */
  async restart(): Promise<string> {
    return this.control('restart', undefined, 'SIGTERM');
  }

  /** Every process of the stack, at once, without a word to it. */
  killAll(): void {
    const { services, simulator, servers } = this.processes ?? {};
    for (const set of [...Object.values(services ?? {}), simulator]) set?.kill('SIGKILL');
    for (const server of Object.values(servers ?? {})) server.kill('SIGKILL');
  }

  private control(action: Action, name: string | undefined, signal: NodeJS.Signals): Promise<string> {
    if (this.processes === undefined) throw new Error('the stack is still starting');
    return controlStack(this.processes, action, name, signal);
  }

  private async startParts(): Promise<string> {
    const { settings, config } = this.options;
    const lock = await lockDataDir(settings.DATA_DIR);
    this.stops.push(() => lock.release());
    const { logs, log } = this.openLogs();
    const guardian = new Guardian(logs.open('guardian'));
    this.stops.push(() => guardian.dismiss());
    const publisher = new StatePublisher(settings.STACK_STATE, guardian, log);
    this.stops.push(() => publisher.close());
    const tools = { logs, log, changed: () => publisher.publish() };

    const firstRun = planFirstRun(config, settings.DATA_DIR);
    const adminToken = settings.ADMIN_TOKEN ?? randomBytes(24).toString('base64url');
    const port = await this.openFront('edge-api', settings.PORT);
    const adminPort = await this.openFront('admin-api', settings.ADMIN_PORT);
    const processes = await this.plan({ firstRun, adminToken, publicPort: port }, tools);
    this.processes = processes;
    const urls = { url: listeningUrl(settings.HOST, port), adminUrl: listeningUrl(settings.HOST, adminPort) };
    await publisher.open({ ...urls, adminToken, control: await this.openControl(), logs: logs.folder }, processes);

    this.stops.push(() => this.stopProcesses(processes));
    await this.startProcesses(processes);
    await untilServing({
      services: [...Object.values(processes.services), ...(processes.simulator ? [processes.simulator] : [])],
      edges: () => processes.services['edge-api'].current.map(({ plan }) => plan.url),
      demoKey: firstRun.demoKey?.plaintext,
      logs,
      signal: this.stopping.signal,
    });
    logs.starting = false;
    return this.lines(urls, firstRun, logs);
  }

  /** Everything that is going to run, before any of it does. */
  private async plan(
    known: { firstRun: FirstRun; adminToken: string; publicPort: number },
    tools: ServiceTools,
  ): Promise<StackProcesses> {
    const { settings, env, replicas } = this.options;
    const servers = createServers({ dataDir: settings.DATA_DIR, log: tools.log, changed: tools.changed });
    const simulatorUrl = known.firstRun.needsSimulator ? `http://127.0.0.1:${await freePort()}` : undefined;
    const simulator = simulatorUrl === undefined ? undefined : createSimulator(env, simulatorUrl, tools);
    const surroundings = {
      env,
      settings,
      adminToken: known.adminToken,
      publicPort: known.publicPort,
      demoKeyHash: known.firstRun.demoKey?.hash,
      natsUrl: () => servers.nats.url,
      redisUrl: () => servers.redis.url,
      databaseUrl: () => servers.postgres.url,
      simulatorUrl,
    };
    return { services: createServices(replicas, surroundings, tools), simulator, servers };
  }

  private openLogs(): { logs: ProcessLogs; log: Logger } {
    const { DATA_DIR, LOG_LEVEL } = this.options.settings;
    const logs = new ProcessLogs(path.join(DATA_DIR, 'logs'), (line) => void process.stderr.write(`${line}\n`));
    this.stops.push(() => logs.close());
    return { logs, log: createLogger({ level: LOG_LEVEL, name: 'stack' }, logs.destination('stack')) };
  }

  /** One address for all replicas of a service. */
  private async openFront(service: ServiceName, port: number): Promise<number> {
    const front = new Balancer({ targets: () => this.processes?.services[service].current ?? [] });
    const listening = await front.listen(port, this.options.settings.HOST);
    this.stops.push(() => front.close());
    return listening;
  }

  private async openControl(): Promise<{ url: string; token: string }> {
    const token = randomBytes(24).toString('base64url');
    const server = new ControlServer((action, name, signal) => this.control(action, name, signal), token);
    this.stops.push(() => server.close());
    return { url: await server.listen(), token };
  }

  /** All at once, but for what is nowhere to be found yet: a server's address is known when it runs. */
  private async startProcesses({ services, simulator, servers }: StackProcesses): Promise<void> {
    const start = async (needed: Promise<unknown>[], started: () => Promise<void>[]): Promise<void> => {
      await Promise.all(needed);
      if (!this.stopping.signal.aborted) await Promise.all(started());
    };
    const [nats, redis, postgres] = [servers.nats.start(), servers.redis.start(), servers.postgres.start()];
    const simulated = simulator?.start() ?? Promise.resolve();
    // All of them, failed ones included, are over before any failure is told: the stop that follows finds them all.
    const results = await Promise.allSettled([
      start([nats], () => [services.router.start(), services['edge-api'].start()]),
      start([nats, redis], () => [services['rate-limit'].start()]),
      start([nats, redis, postgres], () => [services.metering.start()]),
      start([nats, postgres, simulated], () => [services['admin-api'].start()]),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Those with clients first, while everything they need is still there; then the other services; then the servers. */
  private async stopProcesses({ services, simulator, servers }: StackProcesses): Promise<void> {
    const { 'edge-api': edges, 'admin-api': admin, ...rest } = services;
    await Promise.all([edges.stop(STOP_LIMIT_MS), admin.stop(STOP_LIMIT_MS)]);
    const others = Object.values(rest);
    await Promise.all(
      [...others, ...(simulator === undefined ? [] : [simulator])].map((set) => set.stop(STOP_LIMIT_MS)),
    );
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }

  private async stopParts(): Promise<void> {
    this.stopping.abort();
    // It notices; its failure is told to who started it.
    await this.starting?.catch(() => undefined);
    for (const stop of [...this.stops].reverse()) await stop();
  }

  private lines(urls: { url: string; adminUrl: string }, firstRun: FirstRun, logs: ProcessLogs): string {
    const { settings, source } = this.options;
    return banner({
      publicUrl: urls.url,
      adminUrl: urls.adminUrl,
      demoKey: firstRun.demoKey?.plaintext,
      upstreams: firstRun.upstreams,
      model: firstRun.model,
      configSource: source,
      closing: [
        `Logs:   ${logs.folder}`,
        `State:  ${settings.STACK_STATE}   (every process, the admin token)`,
        'Act:    npm run stack -- status | stop redis | start redis | restart edge-api            Stop:  Ctrl-C',
      ],
    });
  }
}
