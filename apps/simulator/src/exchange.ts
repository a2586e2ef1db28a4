import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { ApiFailure } from './api-failure';
import type { Dialect, Plan, Planner } from './dialect';
import { withFaults, type Script } from './faults';
import { isObject, textOf } from './json';
import { PlanCache } from './plan-cache';
import { Playback } from './playback';
import { hasFault, readScenario, type Scenario, type Settings } from './scenario';
import { recordUsage, type ServedLog, type ServedRequest } from './served';

export interface Endpoint {
  dialect: Dialect;
  plan: Planner;
  /** Looks at all but the body. Throws {@link ApiFailure}. Absent: any credential will do. */
  check?(request: IncomingMessage): void;
}

const DEFAULT_FAILURE_STATUS = 500;
/** The golden section: its multiples, without their whole parts, are spread evenly, however many there are. */
const EVEN_SPREAD = 0.618_033_988_749_895;

/** Answers model requests: plans the reply, lets the scenario spoil it, sends it, and records what was sent. */
export class Exchange {
  private plans = new PlanCache();
  private behaviour: Settings = [];
  /** How often each scenario has failed so far. */
  private failures = new Map<string, number>();
  /** Of replies that were delayed by a part of their jitter. */
  private jittered = 0;

  constructor(private readonly served: ServedLog) {}

  reset(): void {
    this.failures = new Map();
    this.jittered = 0;
  }

  /** From here on every request is answered so, whatever it asks for. Throws a 400 where a setting is unknown or bad. */
  behave(settings: Settings): void {
    readScenario('', {}, settings);
    this.behaviour = settings;
    // What is kept was planned for another behaviour.
    this.plans = new PlanCache();
  }

  async answer(endpoint: Endpoint, request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const requestId = requestIdOf(request);
    const record = this.served.begin(requestId, pathOf(request));
    for (const [name, value] of Object.entries(endpoint.dialect.headers(requestId))) response.setHeader(name, value);
    try {
      if (endpoint.check) endpoint.check(request);
      else if (!hasCredentials(request)) throw endpoint.dialect.unauthenticated();
      const plan = this.plan(endpoint, request, body);
      record.model = plan.model;
      record.stream = plan.reply.kind === 'stream';
      record.outcome = await this.perform(plan, endpoint.dialect, response, record);
      if (record.outcome === 'completed') recordUsage(record, plan.usage);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      record.status = error.status;
      record.outcome = 'refused';
      sendFailure(endpoint.dialect, error, requestId, response);
    }
  }

  private plan(endpoint: Endpoint, request: IncomingMessage, body: Buffer): Plan {
    const key = this.plans.key(pathOf(request), request.headers, body);
    const known = this.plans.get(key);
    if (known) return known;
    const json = parseBody(body, endpoint.dialect);
    const scenario = readScenario(textOf(json['model']), request.headers, this.behaviour);
    const seed = createHash('sha256')
      .update(JSON.stringify([json['model'], json['messages'] ?? json['input']]))
      .digest('hex');
    const plan = endpoint.plan({ headers: request.headers, body: json, scenario, seed });
    this.plans.set(key, plan);
    return plan;
  }

  private async perform(
    plan: Plan,
    dialect: Dialect,
    response: ServerResponse,
    record: ServedRequest,
  ): Promise<ServedRequest['outcome']> {
    const { scenario } = plan;
    const playback = new Playback(response);
    const faulty = this.strikes(plan);
    if (faulty && scenario.drop) {
      playback.reset();
      return 'broken';
    }
    if (faulty && scenario.hang) {
      await playback.untilLeft();
      return 'aborted';
    }
    const status = faulty ? (scenario.status ?? (hasFault(scenario) ? undefined : DEFAULT_FAILURE_STATUS)) : undefined;
    if (scenario.earlyHeaders && status === undefined) openReply(plan, response).flushHeaders();
    const firstTokenMs = scenario.firstTokenMs + this.jitterMs(scenario);
    if (firstTokenMs > 0) await playback.pause(firstTokenMs);
    if (playback.clientLeft) return 'aborted';
    if (status !== undefined) throw simulatedFailure(status, scenario);
    record.status = 200;
    recordUsage(record, { ...plan.usage, output: 0, reasoning: 0 });
    if (!response.headersSent) openReply(plan, response);
    return this.send(plan, faulty, dialect, playback, record);
  }

  private send(
    plan: Plan,
    faulty: boolean,
    dialect: Dialect,
    playback: Playback,
    record: ServedRequest,
  ): Promise<ServedRequest['outcome']> {
    const { scenario, reply } = plan;
    if (reply.kind === 'stream') {
      const script: Script = faulty
        ? withFaults(reply.frames, scenario, (sent) => {
            const failure = simulatedFailure(undefined, scenario);
            return reply.failure?.(failure, sent) ?? dialect.errorFrame(failure);
          })
        : { writes: reply.frames, ending: 'complete' };
      return playback.stream(script, scenario, record);
    }
    const whole = scenario.gzip ? gzipSync(reply.body) : reply.body;
    if (!faulty) return playback.body(whole, 'complete');
    if (scenario.malformed !== undefined) return playback.body(halfOf(whole), 'complete');
    if (scenario.stall !== undefined) return playback.body(whole, 'stall');
    if (scenario.truncate) return playback.body(whole, scenario.truncate.how);
    return playback.body(whole, scenario.halfEvent === undefined ? 'complete' : 'close');
  }

  private jitterMs({ firstTokenJitterMs }: Scenario): number {
    return firstTokenJitterMs === 0 ? 0 : Math.round(firstTokenJitterMs * ((++this.jittered * EVEN_SPREAD) % 1));
  }

  /** Whether this request is one of those that go wrong; counts it if so. */
  private strikes({ scenario, model }: Plan): boolean {
    if (scenario.failFirst === 0) return hasFault(scenario);
    const key = `${model} ${scenario.name}`;
    const failed = this.failures.get(key) ?? 0;
    if (failed >= scenario.failFirst) return false;
    this.failures.set(key, failed + 1);
    return true;
  }
}

export function sendFailure(dialect: Dialect, failure: ApiFailure, requestId: string, response: ServerResponse): void {
  if (response.destroyed) return;
  const body = dialect.errorBody(failure, requestId);
  response.writeHead(failure.status, {
    ...failure.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-sim-request-id'] ?? request.headers['x-request-id'];
  return typeof given === 'string' && given !== '' ? given : `req_sim_${randomUUID().replaceAll('-', '')}`;
}

export function hasCredentials({ headers }: IncomingMessage): boolean {
  const bearer = /^Bearer +(.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  return bearer.trim() !== '' || textOf(headers['x-api-key']) !== '';
}

function parseBody(body: Buffer, dialect: Dialect): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    throw dialect.notJson();
  }
  if (!isObject(json)) throw dialect.notJson();
  return json;
}

function openReply(plan: Plan, response: ServerResponse): ServerResponse {
  const stream = plan.reply.kind === 'stream';
  response.statusCode = 200;
  response.setHeader('content-type', stream ? 'text/event-stream; charset=utf-8' : 'application/json');
  if (stream) response.setHeader('cache-control', 'no-cache');
  else if (plan.scenario.gzip) response.setHeader('content-encoding', 'gzip');
  return response;
}

function simulatedFailure(status: number | undefined, scenario: Scenario): ApiFailure {
  const headers: Record<string, string> =
    scenario.retryAfter === undefined ? {} : { 'retry-after': scenario.retryAfter };
  const message =
    status === undefined ? 'Simulated failure in the middle of the stream' : `Simulated failure ${status}`;
  return new ApiFailure(status ?? 200, scenario.errorType, message, null, null, headers);
}

function halfOf(body: Buffer): Buffer {
  return body.subarray(0, Math.ceil(body.length / 2));
}
