import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from './free-port';

/** Elsewhere there is nothing to claim a port by. */
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a port is given to one only, until it has had the time to listen', async () => {
  const ports: number[] = [];
  const random = jest.spyOn(Math, 'random');
  // Everybody is lucky in the same way.
  for (let index = 0; index < 3; index++) {
    for (const chance of [0.5, 0.6, 0.7]) random.mockReturnValueOnce(chance);
    ports.push(await freePort());
    random.mockReset();
  }
  random.mockRestore();
  expect(new Set(ports).size).toBe(3);
});

onLinux('nor to another process, as long as the one that asked lives', async () => {
  const port = await freePort();
  const script = `
    const server = require('node:net').createServer().on('error', ({ code }) => process.exit(code === 'EADDRINUSE' ? 7 : 1));
    server.listen('\\0switchboard-port-${port}', () => process.exit(0));`;
  const [code] = await once(spawn(process.execPath, ['-e', script]), 'exit');
  expect(code).toBe(7);
});
