import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyRecordV1, Model, Provider, Tenant } from '@switchboard/contracts';
import { createLocalBus, type Logger } from '@switchboard/platform';
import type { EdgeReplicaOptions } from '../edge-replica';
import { CatalogBucket, CHAT_REPLY, startEdge, startUpstream, type Edge, type Upstream } from './edge';
import { KeysBucket, silent } from './keys-bucket';

export type ClientDialect = 'anthropic' | 'openai' | 'responses';

const PATHS: Readonly<Record<ClientDialect, string>> = {
  anthropic: '/v1/messages',
  openai: '/v1/chat/completions',
  responses: '/v1/responses',
};

export interface ServedEdgeOptions {
  /** Of the one upstream. */
  kind?: Provider['kind'];
  answer?: (incoming: IncomingMessage, response: ServerResponse) => void;
  model?: Partial<Model>;
  /** By plaintext. */
  keys?: Record<string, Partial<KeyRecordV1>>;
  tenant?: Partial<Tenant>;
  settings?: Partial<EdgeReplicaOptions['settings']>;
  log?: Logger;
}

export const MESSAGE_REPLY = JSON.stringify({
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'upstream-model' },
  content: [{ type: 'text', text: 'Hi' }],
  ...{ stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 10, output_tokens: 5 } },
});

/** An edge that serves `test/model` from one upstream, and who calls it over HTTP. */
export class ServedEdge {
  static async start(options: ServedEdgeOptions = {}): Promise<ServedEdge> {
    const { kind = 'openai-compatible', model = {}, keys = {}, tenant = {}, settings, log } = options;
    const bus = createLocalBus({ log: silent });
    const [keysBucket, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
    await keysBucket.putTenant(tenant);
    for (const [plaintext, changes] of Object.entries(keys)) await keysBucket.putKey(plaintext, changes);
    const isAnthropic = kind === 'anthropic' || kind === 'anthropic-compatible';
    const answer = options.answer ?? jsonAnswer(isAnthropic ? MESSAGE_REPLY : CHAT_REPLY);
    const upstream = await startUpstream(answer);
    const timeouts = { connectMs: 1_000, firstTokenMs: 30_000, idleMs: 30_000, totalMs: 30_000 };
    await catalog.putProvider('one', upstream.url, { kind, timeouts });
    await catalog.putModel('test/model', ['one'], model);
    await catalog.putSettings();
    const edge = startEdge(bus, settings, log);
    const url = `http://127.0.0.1:${await edge.opened}`;
    return new ServedEdge(edge, upstream, keysBucket, catalog, url, () => bus.close());
  }

  private constructor(
    readonly edge: Edge,
    readonly upstream: Upstream,
    readonly keys: KeysBucket,
    readonly catalog: CatalogBucket,
    readonly url: string,
    private readonly closeBus: () => Promise<void>,
  ) {}

  get limiter() {
    return this.edge.limiter;
  }

  get usage() {
    return this.edge.usage;
  }

  get calls() {
    return this.edge.calls;
  }

  /** `more`: members of the body. */
  post(dialect: ClientDialect, key: string, more: object = {}, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + PATHS[dialect], {
      ...{ method: 'POST', headers: { 'x-api-key': key } },
      body: bodyOf(dialect, more),
      ...init,
    });
  }

  async close(): Promise<void> {
    await this.edge.replica.close();
    await this.upstream.close();
    await this.closeBus();
  }
}

export function bodyOf(dialect: ClientDialect, more: object = {}): string {
  return JSON.stringify({
    ...{ model: 'test/model', ...(dialect === 'anthropic' && { max_tokens: 9 }) },
    [dialect === 'responses' ? 'input' : 'messages']: [{ role: 'user', content: 'Hello' }],
    ...more,
  });
}

function jsonAnswer(reply: string) {
  return (_: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json').end(reply);
  };
}
