import { setTimeout as delay } from 'node:timers/promises';
import { conversation, looksComplete } from '../e2e/conversation';
import { KEY } from '../e2e/gateway-config';
import { open, readWhole, send } from '../e2e/http-exchange';
import { describeAnthropicSdks } from '../e2e/sdk-anthropic.conformance';
import { describeOpenAiSdks } from '../e2e/sdk-openai.conformance';
import { modelId, startTwoUpstreams, type TwoUpstreams } from '../e2e/two-upstreams';
import { allUsage, eventually } from '../e2e/usage-ledger';
import { startContainers, type RunningContainers } from './containers';

jest.setTimeout(300_000);

/** One system for all of it: the suites get it lent, and may not stop it. */
let starting: Promise<TwoUpstreams<RunningContainers>> | undefined;
const shared = (): Promise<TwoUpstreams<RunningContainers>> => (starting ??= startTwoUpstreams(startContainers));
const lent = async (): Promise<TwoUpstreams> => ({ ...(await shared()), stop: () => Promise.resolve() });

afterAll(async () => {
  const world = await starting?.catch(() => undefined);
  await world?.stop();
});

describeAnthropicSdks(lent);
describeOpenAiSdks(lent);

describe('a container', () => {
  it.each(['router', 'rate-limit', 'metering', 'admin-api', 'edge-api'] as const)(
    'of %s runs as nobody in particular, with no capability and no way to get one, and writes nowhere',
    async (service) => {
      const container = (await shared()).gateway.container(service);
      const status = await container.execute('cat', '/proc/1/status');
      expect(/^Uid:\s+(.*)$/m.exec(status)?.[1]?.split('\t')).toEqual(Array.from({ length: 4 }, () => '10001'));
      expect(/^Cap(?:Prm|Eff|Bnd|Amb):\s+[^0\s]/m.exec(status)).toBeNull();
      expect(/^NoNewPrivs:\s+(\d)$/m.exec(status)?.[1]).toBe('1');
      expect(await container.execute('cat', '/proc/1/cmdline')).toBe(`node\0apps/${service}/dist/main.js\0`);
      const write = 'try { require("fs").writeFileSync("/app/x", "") } catch (error) { console.log(error.code) }';
      expect(await container.execute('node', '--eval', write)).toBe('EROFS\n');
    },
  );

  it('finds the schema in place when the migrations run once more', async () => {
    const { code, output } = await (await shared()).gateway.runToEnd('apps/admin-api/dist/migrate.js');
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('"applied":[]') });
  });

  it('has no package manager, and no development package', async () => {
    const container = (await shared()).gateway.container('router');
    const look =
      'const { existsSync: is } = require("fs"); console.log(["/usr/local/bin/npm", "/app/node_modules/typescript", ' +
      '"/app/node_modules/prisma", "/app/node_modules/@swc", "/app/apps/stack", "/app/libs/testing"].filter(is).join())';
    expect(await container.execute('node', '--eval', look)).toBe('\n');
    const bom = JSON.parse(await container.execute('cat', '/app/sbom.cdx.json')) as { components: { purl: string }[] };
    const purls = bom.components.map(({ purl }) => purl).join('\n');
    for (const known of ['pkg:npm/fastify@', 'pkg:npm/%40nestjs/core@', 'pkg:npm/undici@'])
      expect(purls).toContain(known);
    expect(purls).not.toContain('pkg:npm/typescript@');
  });
});

it('every call that reached an upstream is in the ledger once, and the books agree', async () => {
  const { gateway, calls } = await shared();
  const expected = [...calls()].sort();
  expect(expected.length).toBeGreaterThan(50);
  await eventually('all is recorded', async () => (await allUsage(gateway)).length >= expected.length);
  expect((await allUsage(gateway)).map(({ requestId }) => requestId).sort()).toEqual(expected);
  const { code, output } = await gateway.runToEnd('apps/standalone/dist/ledger-verify.js');
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('balanced') });
});

it('SIGTERM reaches node: an edge finishes what it streams, and ends with 0', async () => {
  const { gateway } = await shared();
  const edge = gateway.container('edge-api');
  const call = conversation('anthropic', { model: modelId('anthropic', 'slow'), key: KEY, stream: true });
  const stream = await open(gateway.url, call);
  const reply = readWhole(stream);
  const stopped = edge.stop('SIGTERM');
  await delay(2_000);
  await expect(send(gateway.url, { path: '/api/hello' })).rejects.toThrow('ECONNREFUSED');
  const { complete, text } = await reply;
  expect({ complete, whole: looksComplete('anthropic', text) }).toEqual({ complete: true, whole: true });
  expect(await stopped).toBe(0);
  expect(edge.output()).toContain('"msg":"stopped"');
});
