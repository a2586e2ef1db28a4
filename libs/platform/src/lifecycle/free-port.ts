import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';

/** Below those that the system gives to outgoing connections: one of these could take it before it is used. */
const PORTS = { first: 10_000, count: 20_000 };
/** Until then whoever asked for a port listens on it. */
const CLAIMED_MS = 60_000;

/**
 * A port of 127.0.0.1 that was free a moment ago: who finds it taken asks for another. Among processes that ask here it is
 * nobody else's for a minute, on Linux: a dozen services that start at once would else meet on a port every few days.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (!(await claimed(port))) continue;
    const server = await listening({ port, host: '127.0.0.1' });
    if (server === undefined) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** By a socket without a file, which is gone with its process. */
async function claimed(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const claim = await listening({ path: `\0switchboard-port-${port}` });
  if (claim === undefined) return false;
  claim.unref();
  setTimeout(() => claim.close(), CLAIMED_MS).unref();
  return true;
}

function listening(where: ListenOptions): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(where, () => resolve(server));
  });
}
