import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../free-port';
import { benchKey, modelServedBy } from '../wire/requests';
import { httpGet } from './http-get';
import { startNode, type Subject } from './subject';

const main = path.resolve(__dirname, '../../../apps/standalone/dist/main.js');
/** A first start initialises a database. */
const readyWithinMs = 60_000;

/** The gateway as it is shipped, everything on, with the canned upstream as its only provider. */
export const standalone: Subject = {
  name: 'standalone',
  async start(context) {
    if (!existsSync(main)) throw new Error(`build the gateway first: there is no ${main}`);
    const [port = 0, adminPort = 0] = await freePorts(2);
    const configFile = path.join(context.folder, 'gateway.yaml');
    writeFileSync(configFile, JSON.stringify(gatewayConfig(context.upstreamPort), null, 2));
    const env = {
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      DATA_DIR: path.join(context.folder, 'data'),
      GATEWAY_CONFIG: configFile,
      LOG_LEVEL: 'warn',
      BENCH_KEY: benchKey,
      BENCH_UPSTREAM_KEY: 'sk-bench',
    };
    const child = startNode(main, env, context);
    await child.ready(() => httpGet(adminPort, '/readyz', 200), readyWithinMs);
    context.moveDescendants(child.pid);
    return { port, cpuMicros: () => child.cpuMicros(), stop: () => child.stop() };
  },
};

/** JSON is YAML. */
export function gatewayConfig(upstreamPort: number): object {
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const model = (id: string, provider: string, upstreamModel: string) => ({
    id,
    displayName: id,
    contextWindow: 1_000_000,
    maxOutputTokens: 64_000,
    capabilities: {
      streaming: true,
      tools: 'native',
      vision: true,
      documents: true,
      reasoning: true,
      structuredOutputs: true,
    },
    pricing: { input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6 },
    upstreams: [{ provider, model: upstreamModel }],
  });
  const account = { apiKey: { env: 'BENCH_UPSTREAM_KEY' }, probe: 'off', trustedNetwork: true };
  return {
    providers: [
      { id: 'canned-anthropic', kind: 'anthropic-compatible', baseUrl: origin, ...account },
      { id: 'canned-chat', kind: 'openai-compatible', baseUrl: `${origin}/v1`, ...account },
    ],
    models: [
      model(modelServedBy.anthropic, 'canned-anthropic', 'claude-upstream'),
      model(modelServedBy.chat, 'canned-chat', 'gpt-upstream'),
    ],
    tenants: [{ id: 'bench', name: 'Bench', keys: [{ name: 'load', key: { env: 'BENCH_KEY' }, kind: 'service' }] }],
  };
}
