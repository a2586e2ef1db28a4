import { existsSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../free-port';
import type { BenchDialect } from '../wire/dialect';
import { httpGet } from './http-get';
import { startNode, type Subject } from './subject';

/** Where `npm run bench:peers` installs what is measured beside the gateway. */
export const peersFolder = path.resolve(__dirname, '../../../.cache/bench-peers');

const main = path.join(peersFolder, 'portkey/node_modules/@portkey-ai/gateway/build/start-server.js');
const providerOf: Readonly<Record<BenchDialect, string>> = { anthropic: 'anthropic', chat: 'openai' };

/**
 * Portkey's gateway as npm has it, told by the headers of every request where to pass it on: no key of a gateway's own, no
 * limits, no accounting. Its package leaves the version of `@hono/node-server` open; with a recent one every stream is
 * answered with 500 (it adds to headers that cannot be added to), so bench/peers pins one with which it works.
 */
export const portkey: Subject = {
  name: 'portkey',
  isGateway: false,
  isPeer: true,
  can: ({ client, upstream }) => client === upstream,
  async start(context) {
    if (!existsSync(main)) throw new Error('install it first: npm run bench:peers');
    const [port = 0] = await freePorts(1);
    const child = startNode(main, {}, context, [`--port=${port}`, '--headless']);
    await child.ready(() => httpGet(port, '/', 200), 20_000);
    const host = `x-portkey-custom-host: http://127.0.0.1:${context.upstreamPort}/v1`;
    return {
      ...{ port, pid: child.pid },
      caller: { headersFor: (upstream) => [`x-portkey-provider: ${providerOf[upstream]}`, host] },
      cpuMicros: () => child.cpuMicros(),
      stop: () => child.stop(),
    };
  },
};
