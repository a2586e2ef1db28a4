import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createLogger } from '../logging/logger';
import { createPool } from './pool';

test('the end of a pool waits a second at most for a database that says nothing', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const pool = createPool({
    url: `postgresql://someone@127.0.0.1:${port}/some`,
    log: createLogger({ level: 'silent', name: 'test' }),
  });
  const query = expect(pool.query('SELECT 1')).rejects.toThrow();
  await once(silent, 'connection');
  const startedAt = performance.now();
  await pool.end();
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  for (const socket of sockets) socket.destroy();
  silent.close();
  await query;
});
