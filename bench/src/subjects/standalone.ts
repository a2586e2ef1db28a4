import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../free-port';
import { benchKey } from '../wire/requests';
import { gatewayConfig, UPSTREAM_KEY_VARIABLE } from './gateway-config';
import { httpGet } from './http-get';
import { startNode, type Subject } from './subject';

const main = path.resolve(__dirname, '../../../apps/standalone/dist/main.js');
/** A first start initialises a database. */
const readyWithinMs = 60_000;

/** The gateway as it is shipped, everything on, with the canned upstream as its only provider. */
export const standalone: Subject = {
  name: 'standalone',
  isGateway: true,
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
      [UPSTREAM_KEY_VARIABLE]: 'sk-bench',
    };
    const child = startNode(main, env, context);
    await child.ready(() => httpGet(adminPort, '/readyz', 200), readyWithinMs);
    context.moveDescendants(child.pid);
    return { port, pid: child.pid, cpuMicros: () => child.cpuMicros(), stop: () => child.stop() };
  },
};
