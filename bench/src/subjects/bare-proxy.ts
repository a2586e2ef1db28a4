import path from 'node:path';
import { freePorts } from '../free-port';
import { httpGet } from './http-get';
import { startProfile } from './profile-client';
import { startNode, type Subject } from './subject';

export const bareProxy: Subject = {
  name: 'bare-proxy',
  isGateway: false,
  async start(context) {
    const [port = 0] = await freePorts(1);
    const env = { PORT: String(port), UPSTREAM_PORT: String(context.upstreamPort) };
    const child = startNode(path.join(__dirname, 'bare-proxy-main.js'), env, context);
    await child.ready(() => httpGet(port, '/', 404), 10_000);
    const { profileSocket } = context;
    return {
      ...{ port, pid: child.pid },
      cpuMicros: () => child.cpuMicros(),
      ...(profileSocket !== undefined && { profile: () => startProfile(profileSocket) }),
      stop: () => child.stop(),
    };
  },
};
