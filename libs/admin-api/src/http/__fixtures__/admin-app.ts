import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  type Bus,
  CALL_QUERIES,
  type ExplainRequestV1,
  type ExplanationV1,
  InvalidCursorError,
  LIMITER,
  type Limiter,
  LimiterUnavailableError,
  type RateStateRequestV2,
  type ReconciliationRecord,
  RECONCILIATIONS,
  type Reconciliations,
  REFUSED_USAGE,
  type RefusedUsage,
  type RefusedUsageRecord,
  ROUTING_EXPLAINER,
  type RoutingExplainer,
  type UpstreamsV1,
  type ScopeState,
  USAGE_QUERIES,
  type UsageFilter,
  type UsageQueries,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import { createLocalBus, createLogger, createMetrics, type SecretRing } from '@switchboard/platform';
import { AdminApiModule } from '../../admin-api.module';
import type { OidcOptions } from '../../auth/token-verifier';
import { type AdminStore, createAdminStore } from '../../services/admin-store';
import { AdminWritingModule } from '../../services/admin-writing.module';
import { CallsInMemory } from './calls-in-memory';
import { ReplyChecker } from './reply-checker';

export const TOKEN = 'the-token-of-the-platform';

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  token?: string;
  idempotencyKey?: string;
}

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
  bytes: Buffer;
  body: any;
}

/** Usage in memory, by the port's rules. */
export class UsageInMemory implements UsageQueries {
  records: UsageRecordedV1[] = [];

  list(filter: UsageFilter, page: { limit: number; cursor?: string }): ReturnType<UsageQueries['list']> {
    const from = page.cursor === undefined ? 0 : Number(page.cursor);
    const found = this.matching(filter);
    const records = found.slice(from, from + page.limit);
    const end = from + page.limit;
    return Promise.resolve(end < found.length ? { records, nextCursor: String(end) } : { records });
  }

  totals(filter: UsageFilter, groupBy: string): ReturnType<UsageQueries['totals']> {
    const groups = new Map<string, UsageRecordedV1[]>();
    for (const record of this.matching(filter)) {
      const group = groupBy === 'key' ? record.keyId : groupBy === 'model' ? record.model : record.upstream;
      groups.set(group, [...(groups.get(group) ?? []), record]);
    }
    const sum = (records: UsageRecordedV1[], of: (record: UsageRecordedV1) => number): bigint =>
      records.reduce((total, record) => total + BigInt(of(record)), 0n);
    const totals = [...groups].map(([group, records]) => ({
      group,
      requests: BigInt(records.length),
      inputTokens: sum(records, ({ usage }) => usage.inputTokens),
      cacheReadTokens: 0n,
      cacheWrite5mTokens: 0n,
      cacheWrite1hTokens: 0n,
      outputTokens: sum(records, ({ usage }) => usage.outputTokens),
      reasoningTokens: 0n,
      costNanoUsd: sum(records, ({ costNanoUsd }) => costNanoUsd),
    }));
    return Promise.resolve({ totals, truncated: false });
  }

  private matching({ tenantId, keyId, model, fromMs, toMs }: UsageFilter): UsageRecordedV1[] {
    return this.records.filter(
      (record) =>
        (tenantId === undefined || record.tenantId === tenantId) &&
        (keyId === undefined || record.keyId === keyId) &&
        (model === undefined || record.model === model) &&
        (fromMs === undefined || record.startedAtMs >= fromMs) &&
        (toMs === undefined || record.startedAtMs < toMs),
    );
  }
}

/** Refused usage in memory, by the port's rules. */
export class RefusedInMemory implements RefusedUsage {
  records: RefusedUsageRecord[] = [];
  fault: Error | undefined;

  list(): ReturnType<RefusedUsage['list']> {
    return Promise.resolve({ records: this.records });
  }

  find(id: string): ReturnType<RefusedUsage['find']> {
    return Promise.resolve(this.records.find((record) => record.id === id));
  }

  replay(id: string): ReturnType<RefusedUsage['replay']> {
    return this.fault === undefined ? this.marked(id, { replayedAtMs: 2_000 }) : Promise.reject(this.fault);
  }

  dismiss(id: string): ReturnType<RefusedUsage['dismiss']> {
    return this.marked(id, { dismissedAtMs: 3_000 });
  }

  private async marked(id: string, mark: Partial<RefusedUsageRecord>): ReturnType<RefusedUsage['find']> {
    this.records = this.records.map((record) => (record.id === id ? { ...record, ...mark } : record));
    return this.find(id);
  }
}

/** Reconciliations in memory: a page is one of them, and its cursor the number of the next. */
export class ReconciliationsInMemory implements Reconciliations {
  records: ReconciliationRecord[] = [];

  list({ limit, cursor }: { limit: number; cursor?: string }): ReturnType<Reconciliations['list']> {
    const from = Number(cursor ?? 0);
    if (Number.isNaN(from)) return Promise.reject(new InvalidCursorError());
    const records = this.records.slice(from, from + limit);
    const end = from + limit;
    return Promise.resolve(end < this.records.length ? { records, nextCursor: String(end) } : { records });
  }
}

/** A limiter that says what it is told to, and of any other scope that nothing is open. */
export class StillLimiter implements Limiter {
  away = false;
  /** By scope. */
  states: Record<string, Partial<ScopeState>> = {};
  asked: RateStateRequestV2[] = [];

  reserve(): ReturnType<Limiter['reserve']> {
    return Promise.resolve({ outcome: 'granted', outputTokens: 0, rates: {} });
  }

  extend(): ReturnType<Limiter['extend']> {
    return Promise.resolve({ outcome: 'granted' });
  }

  settle(): void {
    // Nothing is held.
  }

  state(request: RateStateRequestV2): ReturnType<Limiter['state']> {
    this.asked.push(request);
    if (this.away) return Promise.reject(new LimiterUnavailableError('redis is away'));
    const scopes = request.scopes.map(({ scope }) => ({
      ...{ scope, open: 0, rates: {}, budgets: [] },
      ...this.states[scope],
    }));
    return Promise.resolve({ scopes });
  }
}

export class Explainer implements RoutingExplainer {
  fault: Error | undefined;

  explain({ model }: ExplainRequestV1): Promise<ExplanationV1> {
    if (this.fault !== undefined) return Promise.reject(this.fault);
    return Promise.resolve({ requested: model, found: false, suggestions: ['sim/echo'], candidates: [] });
  }

  upstreams(): Promise<UpstreamsV1> {
    if (this.fault !== undefined) return Promise.reject(this.fault);
    const at = { provider: 'sim', sinceMs: 1_795_176_000_000, counts: { failed: 3 }, inFlight: 1, late: 0 };
    return Promise.resolve({
      ...{ leader: 'router-1', epoch: 7, version: 41, createdAtMs: 1_795_176_000_000 },
      providers: [{ provider: 'sim', quotaLeft: 0.5, probe: { result: 'passing', atMs: 1_795_176_000_000 } }],
      upstreams: [
        { ...at, model: 'well', models: ['sim/echo'], state: 'healthy', firstTokenMs: 350 },
        { ...at, model: 'down', models: ['sim/down'], state: 'open', reason: 'it failed', retryAtMs: 1_795_176_002_000 },
      ],
    });
  }
}

export interface RegisteredRoute {
  method: string;
  path: string;
}

/** The admin API as a service has it, over one database and a bus in memory, asked without sockets. */
export class AdminApp {
  readonly usage = new UsageInMemory();
  readonly calls = new CallsInMemory();
  readonly refused = new RefusedInMemory();
  readonly reconciliations = new ReconciliationsInMemory();
  readonly limiter = new StillLimiter();
  readonly explainer = new Explainer();
  readonly routes: RegisteredRoute[] = [];
  readonly logged: string[] = [];
  readonly bus: Bus;
  store!: AdminStore;
  /** What replies broke the OpenAPI document. */
  readonly faults: string[] = [];
  private app!: NestFastifyApplication;
  private checker!: ReplyChecker;

  constructor() {
    this.bus = createLocalBus({ log: this.logger() });
  }

  static async start(options: { databaseUrl: string; oidc?: OidcOptions; awaitReady?: boolean }): Promise<AdminApp> {
    const admin = new AdminApp();
    const logger = admin.logger();
    const metrics = createMetrics();
    admin.store = createAdminStore({
      ...{ databaseUrl: options.databaseUrl, bus: admin.bus, kek: ring('kek'), peppers: ring('pepper') },
      ...{ config: { env: {}, cwd: '/nonexistent', standalone: true }, logger, metrics },
    });
    const module = AdminApiModule.forRoot({
      ...{ adminToken: TOKEN, oidc: options.oidc, metrics, logger },
      administration: {
        bus: admin.bus,
        usageBacklog: () =>
          Promise.resolve({ pending: 3, unacknowledged: 1, lastSequence: 9, acknowledgedSequence: 5 }),
      },
      imports: [AdminWritingModule.over(admin.store)],
      providers: [
        { provide: USAGE_QUERIES, useValue: admin.usage },
        { provide: CALL_QUERIES, useValue: admin.calls },
        { provide: REFUSED_USAGE, useValue: admin.refused },
        { provide: RECONCILIATIONS, useValue: admin.reconciliations },
        { provide: LIMITER, useValue: admin.limiter },
        { provide: ROUTING_EXPLAINER, useValue: admin.explainer },
      ],
    });
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) admin.routes.push({ method: one, path: url });
    });
    admin.app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false });
    await admin.app.init();
    admin.checker = new ReplyChecker((await admin.raw({ method: 'GET', path: '/api/v1/openapi.json' })).body);
    if (options.awaitReady !== false) await admin.store.ready;
    return admin;
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.bus.close();
  }

  /** A request; the platform's own unless it bears another token. Its reply is held to the document. */
  async call(call: Call): Promise<Answer> {
    const answer = await this.raw({ token: TOKEN, ...call });
    const type = String(answer.headers['content-type']);
    const asked = { method: call.method, path: call.path.split('?', 1)[0]! };
    const found = this.checker.faultsOf(asked, { status: answer.status, type, body: answer.text });
    this.faults.push(...found);
    return answer;
  }

  /** As it is sent: nothing is checked. `payload` and `headers` replace what the call would have. */
  async raw(call: Call & { payload?: string; headers?: Record<string, string> }): Promise<Answer> {
    const { method, path, query = {}, body, token, idempotencyKey } = call;
    const search = new URLSearchParams(query).toString();
    const reply = await this.app.inject({
      method,
      url: search === '' ? path : `${path}?${search}`,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      payload: call.payload ?? (body === undefined ? undefined : JSON.stringify(body)),
    });
    const isJson = reply.body !== '' && String(reply.headers['content-type']).startsWith('application/json');
    return {
      ...{ status: reply.statusCode, headers: reply.headers, text: reply.body, bytes: reply.rawPayload },
      body: isJson ? reply.json() : undefined,
    };
  }

  private logger() {
    return createLogger({ level: 'info', name: 'test' }, { write: (line) => void this.logged.push(line) });
  }
}

function ring(id: string): SecretRing {
  return [{ id, key: randomBytes(32) }];
}
