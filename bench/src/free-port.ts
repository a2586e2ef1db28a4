import { createServer, type Server } from 'node:net';

/** Below those that the system gives to outgoing connections, of which a load has many: one of them could take it first. */
const PORTS = { first: 10_000, count: 20_000 };

/** Ports nobody listens on just now, on 127.0.0.1. They are held until all are known, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; server: Server }[] = [];
  while (held.length < count) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const server = await listening(port);
    if (server !== undefined) held.push({ port, server });
  }
  await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  return held.map(({ port }) => port);
}

/** Undefined: it is taken. */
function listening(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
