import type { PublicServer } from './adapters/public-server';
import { PublicPort } from './public-port';

it('a public port that was closed while it waited never opens', async () => {
  let becomeReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));
  const create = (): PublicServer => {
    throw new Error('nobody asked for a server');
  };
  const port = new PublicPort({ port: 0, host: '127.0.0.1', ready, create });
  const opened = port.open();
  await port.close();
  becomeReady();
  expect(await opened).toBeUndefined();
  await expect(port.health.check()).rejects.toThrow('waiting for the first catalog');
});
