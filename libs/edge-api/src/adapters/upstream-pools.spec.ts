import { createServer, type Server } from 'node:http';
import type { LookupAddress } from 'node:dns';
import type { AddressInfo } from 'node:net';
import type { Provider } from '@switchboard/contracts';
import type { Resolver } from '@switchboard/platform';
import { candidate } from '../core/__fixtures__/candidate';
import { UpstreamPools } from './upstream-pools';

let server: Server;
let port: number;
let requests = 0;
let pools: UpstreamPools;

beforeAll(async () => {
  server = createServer((_, response) => {
    requests++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => (requests = 0));
afterEach(() => pools.close());

const providerAt = (baseUrl: string, changes: Partial<Provider> = {}): Provider => ({
  ...candidate().provider,
  baseUrl,
  trustedNetwork: false,
  ...changes,
});

/** Every name has the next of these address lists. */
function resolverOf(...answers: string[][]): { resolve: Resolver; asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    resolve: (_hostname, options, done) => {
      const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
      expect(options.all).toBe(true);
      const found: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      process.nextTick(done, null, found);
    },
  };
}

function open(allowLoopback: boolean, resolve?: Resolver): void {
  pools = new UpstreamPools({
    allowLoopback,
    onCloseError: (error) => {
      throw error;
    },
    ...(resolve !== undefined && { resolve }),
  });
}

async function call(provider: Provider): Promise<number | string> {
  try {
    const reply = await pools.get(provider).request({ path: '/', method: 'GET' });
    await reply.body.dump();
    return reply.statusCode;
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

describe('a connection to an upstream', () => {
  it('to a literal private address is refused before anything is sent', async () => {
    open(false);
    expect(await call(providerAt(`http://127.0.0.1:${port}`))).toMatch(
      /^ERR_PRIVATE_ADDRESS: 127\.0\.0\.1 is in a private/,
    );
    expect(await call(providerAt(`http://[::1]:${port}`, { id: 'six' }))).toMatch(/^ERR_PRIVATE_ADDRESS: ::1 /);
    expect(await call(providerAt(`http://[::ffff:127.0.0.1]:${port}`, { id: 'mapped' }))).toMatch(/^ERR_PRIVATE/);
    expect(await call(providerAt(`http://2130706433:${port}`, { id: 'number' }))).toMatch(/^ERR_PRIVATE_ADDRESS/);
    expect(requests).toBe(0);
  });

  it('is made where the network is trusted, and on loopback where that is allowed', async () => {
    open(false);
    expect(await call(providerAt(`http://127.0.0.1:${port}`, { trustedNetwork: true }))).toBe(200);
    await pools.close();
    open(true, resolverOf(['127.0.0.1']).resolve);
    expect(await call(providerAt(`http://127.0.0.1:${port}`))).toBe(200);
    expect(await call(providerAt(`http://upstream.test:${port}`, { id: 'named' }))).toBe(200);
    expect(await call(providerAt('http://10.0.0.1:9', { id: 'private' }))).toMatch(/^ERR_PRIVATE_ADDRESS/);
  });

  it.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', 'fd00::1', '::ffff:10.0.0.1'])(
    'by a name that resolves to %s is refused',
    async (address) => {
      open(false, resolverOf([address]).resolve);
      expect(await call(providerAt(`http://upstream.test:${port}`))).toBe(
        `ERR_PRIVATE_ADDRESS: upstream.test (${address}) is in a private network and was not connected to: ` +
          'set trustedNetwork: true if that is meant',
      );
      expect(requests).toBe(0);
    },
  );

  it('is refused when but one of several addresses is private', async () => {
    open(false, resolverOf(['203.0.113.7', '127.0.0.1']).resolve);
    expect(await call(providerAt(`http://upstream.test:${port}`))).toMatch(/^ERR_PRIVATE_ADDRESS/);
  });

  it('goes to the address that was judged: a name that turns private a moment later gains nothing', async () => {
    // The first answer is loopback and allowed, so that it can be connected to; were the name resolved again for the
    // connection itself, it would go to the second.
    const { resolve, asked } = resolverOf(['127.0.0.1'], ['10.0.0.1']);
    open(true, resolve);
    const provider = providerAt(`http://rebinding.test:${port}`);
    expect(await call(provider)).toBe(200);
    expect(asked()).toBe(1);
    // Every further connection is judged anew.
    server.closeAllConnections();
    await new Promise((settled) => setTimeout(settled, 20));
    expect(await call(provider)).toMatch(/^ERR_PRIVATE_ADDRESS: rebinding\.test \(10\.0\.0\.1\)/);
    expect(asked()).toBe(2);
  });

  it('by a name without addresses, or that does not resolve, fails as unreachable', async () => {
    open(false, (_hostname, _options, done) => done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []));
    expect(await call(providerAt(`http://upstream.test:${port}`))).toBe('ENOTFOUND: not found');
  });

  it('is judged by the record of the moment: trust that is withdrawn ends with the pool', async () => {
    open(false);
    const trusted = providerAt(`http://127.0.0.1:${port}`, { trustedNetwork: true });
    expect(await call(trusted)).toBe(200);
    expect(await call({ ...trusted, trustedNetwork: false })).toMatch(/^ERR_PRIVATE_ADDRESS/);
  });
});

describe('a pool', () => {
  it('stays as long as connecting means the same, whatever else changes', () => {
    open(true);
    const provider = providerAt('http://127.0.0.1:9');
    const pool = pools.get(provider);
    expect(pools.get({ ...provider, apiKey: 'new', tier: 9 })).toBe(pool);
    expect(pools.get({ ...provider, baseUrl: 'http://127.0.0.1:10' })).not.toBe(pool);
  });
});
