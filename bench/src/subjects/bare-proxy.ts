import path from 'node:path';
import { freePorts } from '../free-port';
import { httpGet } from './http-get';
import { startNode, type Subject } from './subject';

export const bareProxy: Subject = {
  name: 'bare-proxy',
  async start(context) {
    const [port = 0] = await freePorts(1);
    const env = { PORT: String(port), UPSTREAM_PORT: String(context.upstreamPort) };
    const child = startNode(path.join(__dirname, 'bare-proxy-main.js'), env, context);
    await child.ready(() => httpGet(port, '/', 404), 10_000);
    return { port, cpuMicros: () => child.cpuMicros(), stop: () => child.stop() };
  },
};
