import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  BUCKETS,
  bucketKey,
  encodeJson,
  LimiterUnavailableError,
  SETTINGS_KEY,
  type Bus,
  type CallLog,
  type CallLoggedV1,
  type CatalogSettingsV1,
  type Denial,
  type ExtensionReply,
  type ExtensionRequest,
  type Limiter,
  type Model,
  type Provider,
  type RateStates,
  type ReservationReply,
  type ReservationRequest,
  type Settlement,
  type UsageIntent,
  type UsageRecordedV1,
  type UsageSink,
} from '@switchboard/contracts';
import { createMetrics, createSealer, encodeModel, encodeProvider, type Logger } from '@switchboard/platform';
import { EdgeReplica, type EdgeReplicaOptions } from '../edge-replica';
import { candidate } from '../core/__fixtures__/candidate';
import { hasher, silent } from './keys-bucket';

export const sealer = createSealer([{ id: 'k1', key: randomBytes(32) }]);

const settings: CatalogSettingsV1 = {
  brand: { slug: 'acme', keyPrefix: 'ac' },
  auto: { order: ['tier'], models: ['*'] },
  limiterUnavailable: 'open',
};

/** Writes the catalog bucket as admin-api does. */
export class CatalogBucket {
  private readonly bucket;

  constructor(bus: Bus) {
    this.bucket = bus.bucket(BUCKETS.catalog);
  }

  putProvider(id: string, baseUrl: string, changes: Partial<Provider> = {}): Promise<number> {
    const provider: Provider = {
      ...candidate({ kind: 'openai-compatible' }).provider,
      ...{ id, baseUrl, apiKey: `sk-${id}`, ...changes },
    };
    return this.bucket.put(bucketKey.provider(id), encodeJson(encodeProvider(provider, sealer)));
  }

  putModel(id: string, providers: string[], changes: Partial<Model> = {}): Promise<number> {
    const { model, upstream } = candidate();
    const upstreams = providers.map((provider) => ({ ...upstream, provider }));
    return this.bucket.put(bucketKey.model(id), encodeJson(encodeModel({ ...model, id, upstreams, ...changes }, 1)));
  }

  removeModel(id: string): Promise<void> {
    return this.bucket.delete(bucketKey.model(id));
  }

  putSettings(changes: Partial<CatalogSettingsV1> = {}): Promise<number> {
    return this.bucket.put(SETTINGS_KEY, encodeJson({ ...settings, ...changes }));
  }
}

/** Grants all that is asked for, unless a test says otherwise, and keeps what it was told. */
export class RecordingLimiter implements Limiter {
  readonly reserved: ReservationRequest[] = [];
  /** What came with each of them. */
  readonly traceparents: (string | undefined)[] = [];
  readonly extended: ExtensionRequest[] = [];
  readonly settled: Settlement[] = [];
  away = false;
  /** Told with every answer. */
  rates: RateStates = {};
  /** What every call is denied with. */
  denial: Omit<Denial, 'outcome' | 'rates'> | undefined;
  /** Granted where that is less than the call asks for. */
  outputTokensMost = Infinity;
  /** How many extensions are granted before all others are denied. */
  extensionsMost = Infinity;
  /** What an answer to a call waits for, and to an extension. */
  holdUp: Promise<void> | undefined;
  holdUpExtension: Promise<void> | undefined;

  async reserve(request: ReservationRequest, traceparent?: string): Promise<ReservationReply> {
    if (this.away) throw new LimiterUnavailableError('the limiter is away');
    this.reserved.push(request);
    this.traceparents.push(traceparent);
    await this.holdUp;
    const { rates } = this;
    if (this.denial !== undefined) return { outcome: 'denied', ...this.denial, rates };
    return { outcome: 'granted', outputTokens: Math.min(request.amounts.outputTokens.most, this.outputTokensMost), rates };
  }

  async extend(request: ExtensionRequest): Promise<ExtensionReply> {
    if (this.away) throw new LimiterUnavailableError('the limiter is away');
    this.extended.push(request);
    const isGranted = this.extended.length <= this.extensionsMost;
    await this.holdUpExtension;
    return isGranted
      ? { outcome: 'granted' }
      : { outcome: 'denied', reason: 'budget', scope: request.scopes[0]?.scope ?? '' };
  }

  settle(settlement: Settlement): void {
    this.settled.push(settlement);
  }

  state(): never {
    throw new Error('nobody asks here');
  }
}

export interface Upstream {
  url: string;
  /** Requests answered or under way. */
  requests: IncomingMessage[];
  /** Their bodies, in the same order. */
  bodies: Record<string, unknown>[];
  close(): Promise<void>;
}

export const CHAT_REPLY = JSON.stringify({
  ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'upstream-model' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});

/** A Chat upstream on loopback; answers at once unless a test says otherwise. */
export async function startUpstream(
  answer = (_: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
  },
): Promise<Upstream> {
  const requests: IncomingMessage[] = [];
  const bodies: Upstream['bodies'] = [];
  const server: Server = createServer((incoming, response) => {
    requests.push(incoming);
    const answered = json(incoming).then((body) => {
      bodies.push(body as Upstream['bodies'][number]);
      answer(incoming, response);
    });
    // A call that is cut off needs no answer.
    answered.catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    ...{ requests, bodies },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Keeps what it is told. */
export class RecordingCallLog implements CallLog {
  readonly calls: CallLoggedV1[] = [];

  record(call: CallLoggedV1): void {
    this.calls.push(call);
  }
}

/** Keeps what it is told, and says that it is kept at once, or when a test lets it. */
export class RecordingSink implements UsageSink {
  readonly usage: UsageRecordedV1[] = [];
  /** In the order they were told. */
  readonly intents: UsageIntent[] = [];
  /** What waits for its record to be kept; absent: nothing does. */
  heldBack: (() => void)[] | undefined;

  begin(intent: UsageIntent, begun: () => void): void {
    this.intents.push(intent);
    begun();
  }

  record(event: UsageRecordedV1, kept?: () => void): void {
    this.usage.push(event);
    if (this.heldBack === undefined) kept?.();
    else if (kept !== undefined) this.heldBack.push(kept);
  }
}

export interface Edge {
  replica: EdgeReplica;
  sink: RecordingSink;
  limiter: RecordingLimiter;
  usage: UsageRecordedV1[];
  calls: CallLoggedV1[];
  /** In the order they were told. */
  intents: UsageIntent[];
  metrics: ReturnType<typeof createMetrics>;
  /** Of the public port; rejects where it does not open. */
  opened: Promise<number | undefined>;
}

/** An edge on a free port. */
export function startEdge(
  bus: Bus,
  changes: Partial<EdgeReplicaOptions['settings']> = {},
  log: Logger = silent,
  traces?: EdgeReplicaOptions['traces'],
): Edge {
  const limiter = new RecordingLimiter();
  const sink = new RecordingSink();
  const callLog = new RecordingCallLog();
  const metrics = createMetrics();
  const replica = new EdgeReplica({
    ...{ bus, limiter, sealer, hasher, log, metrics, port: 0, host: '127.0.0.1' },
    usage: sink,
    calls: callLog,
    traces,
    settings: {
      ...{ maxBodyBytes: 1024 * 1024, keepaliveMs: 14_000, readOnMs: 500, drainMs: 5_000, trustedProxies: [] },
      allowLoopback: false,
      ...changes,
    },
  });
  const { usage, intents } = sink;
  return { replica, limiter, sink, usage, calls: callLog.calls, intents, metrics, opened: replica.open() };
}
