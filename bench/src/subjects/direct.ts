import { cpuMicrosOf } from '../process-cpu';
import type { Subject } from './subject';

/** Nothing between: what load and upstream take, which are both in this process, is what every figure has in it. */
export const direct: Subject = {
  name: 'direct',
  isGateway: false,
  start: ({ upstreamPort }) =>
    Promise.resolve({
      ...{ port: upstreamPort, pid: process.pid },
      cpuMicros: () => Promise.resolve(cpuMicrosOf(process.pid)),
      stop: () => Promise.resolve(),
    }),
};
