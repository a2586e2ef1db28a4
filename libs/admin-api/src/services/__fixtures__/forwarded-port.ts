import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Makes what listens on one port reachable on another. @returns what ends it, its connections too. */
export async function forward(from: number, to: number): Promise<() => Promise<unknown>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(to, '127.0.0.1');
    for (const [end, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(end);
      end.on('error', () => other.destroy());
      end.on('close', () => sockets.delete(end));
    }
    socket.pipe(onward).pipe(socket);
  });
  server.listen(from, '127.0.0.1');
  await once(server, 'listening');
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    return once(server, 'close');
  };
}
