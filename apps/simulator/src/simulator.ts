import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic/dialect';
import { planCount, planMessage } from './anthropic/endpoints';
import { listModels as listAnthropicModels } from './anthropic/models';
import { ApiFailure } from './api-failure';
import type { Dialect } from './dialect';
import { Exchange, hasCredentials, pathOf, requestIdOf, sendFailure, type Endpoint } from './exchange';
import { readBody, sendJson } from './http';
import { azureEndpoint } from './openai/azure';
import { openai } from './openai/dialect';
import { planEmbeddings } from './openai/embeddings';
import { planCompletion } from './openai/endpoints';
import { planLegacyCompletion } from './openai/legacy-completions';
import { listModels as listOpenaiModels } from './openai/models';
import { ReceivedLog, type ReceivedRequest } from './received';
import { planInputTokens, planResponse } from './responses/endpoints';
import { ServedLog, type Served } from './served';

export interface SimulatorOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
}

export interface RunningSimulator {
  /** Without a path: the SDKs' base URL for Anthropic; OpenAI's is `${url}/v1`. */
  url: string;
  /** Breaks open connections and frees the port. */
  close(): Promise<void>;
  served(): Served;
  /** The last requests as they arrived, newest last, credentials masked. */
  received(count?: number): ReceivedRequest[];
  /** Forgets everything served, received and failed. */
  reset(): void;
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/v1/messages': { dialect: anthropic, plan: planMessage },
  '/v1/messages/count_tokens': { dialect: anthropic, plan: planCount },
  '/v1/chat/completions': { dialect: openai, plan: planCompletion },
  '/v1/responses': { dialect: openai, plan: planResponse },
  '/v1/responses/input_tokens': { dialect: openai, plan: planInputTokens },
  '/v1/embeddings': { dialect: openai, plan: planEmbeddings },
  '/v1/completions': { dialect: openai, plan: planLegacyCompletion },
};

const RECEIVED_SHOWN = 20;
/** Longer than any client pool keeps a connection, so that the server is never the one to close a reused socket. */
const KEEP_ALIVE_MS = 120_000;

/** Starts the simulated upstream. Rejects when the port is taken. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const { port = 0, host = '127.0.0.1' } = options;
  const simulator = new Simulator();
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    simulator.handle(request, response).catch((error: unknown) => {
      // A fault of the simulator itself: loud in the client's log, and never mistaken for an answer.
      if (!response.headersSent) sendJson(response, 500, { error: { type: 'simulator_bug', message: String(error) } });
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${address.port}`,
    close: () => close(server),
    served: () => simulator.served.report(),
    received: (count = RECEIVED_SHOWN) => simulator.receivedLog.last(count),
    reset: () => simulator.reset(),
  };
}

class Simulator {
  readonly served = new ServedLog();
  readonly receivedLog = new ReceivedLog();
  private readonly exchange = new Exchange(this.served);

  reset(): void {
    this.served.reset();
    this.receivedLog.reset();
    this.exchange.reset();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    if (path.startsWith('/__') || path === '/healthz') {
      this.control(request, path, response);
      return;
    }
    const endpoint = request.method === 'POST' ? (ENDPOINTS[path] ?? azureEndpoint(path)) : undefined;
    const dialect = endpoint?.dialect ?? dialectOf(request);
    try {
      const body = await readBody(request);
      if (!body) return;
      this.receivedLog.add(request, body);
      if (endpoint) await this.exchange.answer(endpoint, request, body, response);
      else answerPlain(dialect, request, path, response);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      const requestId = requestIdOf(request);
      for (const [name, value] of Object.entries(dialect.headers(requestId))) response.setHeader(name, value);
      sendFailure(dialect, error, requestId, response);
    }
  }

  private control(request: IncomingMessage, path: string, response: ServerResponse): void {
    request.resume();
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    switch (`${request.method} ${path}`) {
      case 'GET /healthz':
        return sendJson(response, 200, { status: 'ok' });
      case 'GET /__served':
        return sendJson(response, 200, this.served.report(query.get('request_id') ?? undefined));
      case 'GET /__last':
        return sendJson(response, 200, { requests: this.receivedLog.last(Number(query.get('n') ?? RECEIVED_SHOWN)) });
      case 'POST /__reset':
        this.reset();
        return sendJson(response, 200, { status: 'ok' });
      case 'POST /__behaviour':
        return this.behave(query, response);
      default:
        return sendJson(response, 404, { error: `No ${request.method} ${path} here` });
    }
  }

  /** The query's settings are those of every request from here on; none: each is answered as it asks again. */
  private behave(query: URLSearchParams, response: ServerResponse): void {
    try {
      // As in a model's name: a flag may stand alone, and values are decoded where they are read.
      this.exchange.behave([...query].map(([name, value]) => [name, value === '' ? '1' : encodeURIComponent(value)]));
      sendJson(response, 200, { status: 'ok' });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      sendJson(response, error.status, { error: error.message });
    }
  }
}

function answerPlain(dialect: Dialect, request: IncomingMessage, path: string, response: ServerResponse): void {
  const found = /^\/v1\/models(?:\/(.+))?$/.exec(path);
  if (request.method !== 'GET' || !found) {
    throw new ApiFailure(404, undefined, `Invalid URL (${request.method} ${path})`);
  }
  if (!hasCredentials(request)) throw dialect.unauthenticated();
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const list = dialect.name === 'anthropic' ? listAnthropicModels : listOpenaiModels;
  const models = list(found[1] === undefined ? undefined : decodedId(found[1]), query);
  for (const [name, value] of Object.entries(dialect.headers(requestIdOf(request)))) response.setHeader(name, value);
  sendJson(response, 200, models);
}

function decodedId(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function dialectOf(request: IncomingMessage): Dialect {
  const anthropicMarks = request.headers['anthropic-version'] ?? request.headers['x-api-key'];
  return anthropicMarks === undefined ? openai : anthropic;
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
