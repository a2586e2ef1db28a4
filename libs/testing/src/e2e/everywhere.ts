import { renameSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningStack } from '../stack';
import { conversation, type Ask } from './conversation';
import { open, readWhole, send, type RawReply } from './http-exchange';

/** An effect is looked for so often. */
const PROBE_EVERY_MS = 5;
/** Once seen it must stay: an edge that answers now so and now so has not taken the change. */
const CONFIRMATIONS = 3;
/** After that long it will not come at all. */
const GIVE_UP_MS = 10_000;

export interface AdminReply<B = unknown> {
  status: number;
  /** As the caller knows it to be. */
  body: B;
  /** `performance.now()` when the reply was there. */
  atMs: number;
}

/** A call of the admin API with the platform's token. */
export async function admin<B = unknown>(
  stack: RunningStack,
  method: string,
  path: string,
  body?: object,
): Promise<AdminReply<B>> {
  const reply = await send(stack.adminUrl, {
    method,
    path: `/api/v1/${path}`,
    headers: { authorization: `Bearer ${stack.adminToken}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const atMs = performance.now();
  return { status: reply.status, body: JSON.parse(reply.text) as B, atMs };
}

/** The same, where nothing but success will do. */
export async function change<B = unknown>(
  stack: RunningStack,
  method: string,
  path: string,
  body?: object,
): Promise<AdminReply<B>> {
  const reply = await admin<B>(stack, method, path, body);
  if (reply.status !== 200 && reply.status !== 201) {
    throw new Error(`${method} ${path} answered ${reply.status}: ${JSON.stringify(reply.body)}`);
  }
  return reply;
}

/**
 * Replaces gateway.yaml as an editor and a ConfigMap do it: the whole file at once.
 *
 * @returns `performance.now()` just before.
 */
export function replaceConfig({ configFile }: RunningStack, config: object | string): number {
  const next = `${configFile}.next`;
  writeFileSync(next, typeof config === 'string' ? config : JSON.stringify(config));
  const atMs = performance.now();
  renameSync(next, configFile);
  return atMs;
}

/** One connection to one edge, kept for as long as the edge keeps it. */
export class EdgeConnection {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private lastPort: number | undefined;
  private changePort: number | undefined;

  constructor(readonly url: string) {}

  /** Of the connection that the last reply came over; a new connection has another. */
  get localPort(): number | undefined {
    return this.lastPort;
  }

  /** That of the first reply that was as the last `until` wanted it. */
  get changedOnPort(): number | undefined {
    return this.changePort;
  }

  async ask(request: Ask): Promise<RawReply> {
    const response = await open(this.url, { ...conversation('chat', request), agent: this.agent });
    this.lastPort = response.socket.localPort;
    return readWhole(response);
  }

  close(): void {
    this.agent.destroy();
  }

  /** `performance.now()` when the reply had come that was the first of several that are as they should be. */
  async until(request: Ask, isSo: (reply: RawReply) => boolean): Promise<number> {
    const deadline = performance.now() + GIVE_UP_MS;
    let since: number | undefined;
    for (let seen = 0; seen <= CONFIRMATIONS;) {
      const reply = await this.ask(request);
      const atMs = performance.now();
      if (isSo(reply)) {
        if (since === undefined) [since, this.changePort] = [atMs, this.lastPort];
        seen += 1;
      } else {
        if (since !== undefined) throw new Error(`${this.url} went back to ${reply.status}: ${reply.text}`);
        if (atMs > deadline) throw new Error(`${this.url} still answers ${reply.status}: ${reply.text}`);
        await delay(PROBE_EVERY_MS);
      }
    }
    return since ?? deadline;
  }
}

/** Every edge of a stack, each asked on a kept connection of its own. */
export class Everywhere {
  readonly connections: readonly EdgeConnection[];

  constructor(readonly stack: RunningStack) {
    this.connections = stack.edges().map((url) => new EdgeConnection(url));
  }

  /** How long after `sinceMs` the last of the edges had taken a change, in milliseconds. */
  async until(sinceMs: number, request: Ask, isSo: (reply: RawReply) => boolean): Promise<number> {
    const seen = await Promise.all(this.connections.map((connection) => connection.until(request, isSo)));
    return Math.max(...seen) - sinceMs;
  }

  async replies(request: Ask): Promise<RawReply[]> {
    return Promise.all(this.connections.map((connection) => connection.ask(request)));
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}

export function answered(status: number): (reply: RawReply) => boolean {
  return (reply) => reply.status === status;
}

/** `usage.cost_usd` of a Chat reply. */
export function costUsd(reply: RawReply): number | undefined {
  if (reply.status !== 200) return undefined;
  return (JSON.parse(reply.text) as { usage: { cost_usd?: number } }).usage.cost_usd;
}

export function costs(usd: number): (reply: RawReply) => boolean {
  return (reply) => Math.abs((costUsd(reply) ?? Number.NaN) - usd) < 1e-12;
}

/** What was measured, in milliseconds, for people. */
export function linesOf(measured: ReadonlyMap<string, number>): string {
  return [...measured].map(([what, ms]) => `  ${what}: ${ms.toFixed(0)} ms`).join('\n');
}
