import { performance } from 'node:perf_hooks';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startStack, type RunningStack } from '../stack';
import { admin, answered, change, costs, Everywhere, replaceConfig } from './everywhere';
import { GATEWAY_ENV, gatewayConfig, KEY, keyHash, model, provider, type Json } from './gateway-config';
import { eventually } from './usage-ledger';

const EDGES = 3;
const REPEATS = 5;
/** Half a second until the file is looked at, and the rest for the change to be everywhere. */
const LIMIT_MS = 2_000;

jest.setTimeout(120_000);

let simulator: RunningSimulator;
let stack: RunningStack;
let everywhere: Everywhere;
let pids: number[];
let worstMs = 0;

interface Declared {
  usdPerMillion: number;
  key: string;
  more?: { providers?: Json[]; models?: Json[] };
}

const priced = (id: string, providerId: string, usdPerMillion: number): Json =>
  model(id, [{ provider: providerId, model: 'sim-any;input_tokens=100;output_tokens=30' }], {
    pricing: { input: usdPerMillion, output: usdPerMillion },
  });

function declaring({ usdPerMillion, key, more = {} }: Declared): Json {
  const { providers = [], models = [] } = more;
  return gatewayConfig(
    [provider('sim', 'chat', simulator.url), ...providers],
    [priced('quick', 'sim', usdPerMillion), ...models],
    [{ name: 'changing', key: { hash: keyHash(key) } }],
  );
}

const edit = (config: Json | string): number => replaceConfig(stack, config);

interface Diff {
  valid: boolean;
  faults: string[];
  changes: { id: string; secretChanged: boolean }[];
  notes: string[];
}

const diff = async (): Promise<Diff> => (await change<Diff>(stack, 'GET', 'config/diff')).body;
const pidsOf = (): number[] => stack.processes().map(({ pid }) => pid);

beforeAll(async () => {
  simulator = await startSimulator();
  const config = declaring({ usdPerMillion: 1, key: 'cm_test_first' });
  stack = await startStack({ config, env: GATEWAY_ENV, replicas: { 'edge-api': EDGES } });
  everywhere = new Everywhere(stack);
  pids = pidsOf();
});

afterAll(async () => {
  everywhere?.close();
  await stack?.stop();
  await simulator?.close();
  process.stderr.write(
    `gateway.yaml written until the slowest of ${EDGES} edges serves by it, the worst of ${REPEATS} times: ${worstMs.toFixed(0)} ms\n`,
  );
});

describe('gateway.yaml, edited while the stack runs', () => {
  it('is what every edge serves by within two seconds: prices, new keys, keys that are gone', async () => {
    let previous = 'cm_test_first';
    // As it was at the start, also where this is the second try.
    edit(declaring({ usdPerMillion: 1, key: previous }));
    await everywhere.until(performance.now(), { model: 'quick', key: previous }, answered(200));
    for (let round = 1; round <= REPEATS; round++) {
      const [usdPerMillion, key] = [1 + round, `cm_test_of-round-${round}`];
      // Asked for while nobody has it: that it is unknown must not be remembered for longer than it is so.
      for (const { status } of await everywhere.replies({ model: 'quick', key })) expect(status).toBe(401);
      const editedMs = edit(declaring({ usdPerMillion, key }));
      const took = await Promise.all([
        everywhere.until(editedMs, { model: 'quick', key }, costs((130 * usdPerMillion) / 1e6)),
        everywhere.until(editedMs, { model: 'quick', key: previous }, answered(401)),
      ]);
      worstMs = Math.max(worstMs, ...took);
      expect(Math.max(...took)).toBeLessThanOrEqual(LIMIT_MS);
      previous = key;
    }
  });

  it('shows no drift where nobody else has changed anything', async () => {
    expect(await diff()).toEqual({ source: 'gateway.yaml', valid: true, faults: [], changes: [], notes: [] });
  });

  it('shows what the API has changed of its things, until the file is written again and has its way', async () => {
    edit(declaring({ usdPerMillion: 7, key: 'cm_test_last' }));
    const quick = { model: 'quick', key: 'cm_test_last' };
    await everywhere.until(performance.now(), quick, costs((130 * 7) / 1e6));

    const patched = await change(stack, 'PATCH', 'models/quick', { pricing: { input: 50, output: 50 } });
    await everywhere.until(patched.atMs, quick, costs((130 * 50) / 1e6));
    const drift = await diff();
    expect(drift).toMatchObject({ valid: true, faults: [] });
    expect(drift.changes).toEqual([
      expect.objectContaining({
        resource: 'model',
        action: 'update',
        id: 'quick',
        before: expect.objectContaining({ pricing: expect.objectContaining({ input: 50 }), managedBy: 'file' }),
        after: expect.objectContaining({ pricing: expect.objectContaining({ input: 7 }), managedBy: 'file' }),
      }),
    ]);

    // A credential of the file's own: that it differs is told, what it is is not.
    await change(stack, 'PATCH', 'providers/sim', { apiKey: 'sk-given-through-the-api' });
    const withSecret = await diff();
    expect(withSecret.changes.map(({ id, secretChanged }) => ({ id, secretChanged }))).toEqual([
      { id: 'sim', secretChanged: true },
      { id: 'quick', secretChanged: false },
    ]);
    expect(JSON.stringify(withSecret)).not.toContain('sk-given');
    expect(JSON.stringify(withSecret)).not.toContain(GATEWAY_ENV.E2E_UPSTREAM_KEY);

    const editedMs = edit(declaring({ usdPerMillion: 8, key: 'cm_test_last' }));
    expect(await everywhere.until(editedMs, quick, costs((130 * 8) / 1e6))).toBeLessThanOrEqual(LIMIT_MS);
    expect(await diff()).toMatchObject({ changes: [], notes: [] });
  });

  it('with faults changes nothing, and says what they are', async () => {
    edit('providers: [');
    await eventually('the fault is told', async () => (await diff()).valid === false);
    expect((await diff()).faults).not.toEqual([]);
    edit({ ...declaring({ usdPerMillion: 9, key: 'cm_test_last' }), surprise: true });
    await eventually('the other fault is told', async () => String((await diff()).faults).includes('surprise'));
    const quick = { model: 'quick', key: 'cm_test_last' };
    for (const reply of await everywhere.replies(quick)) expect(costs((130 * 8) / 1e6)(reply)).toBe(true);
    const editedMs = edit(declaring({ usdPerMillion: 9, key: 'cm_test_last' }));
    expect(await everywhere.until(editedMs, quick, costs((130 * 9) / 1e6))).toBeLessThanOrEqual(LIMIT_MS);
  });

  it('that no longer has a provider leaves the API’s models on it without an upstream: 502, and a note', async () => {
    const declared: Declared = { usdPerMillion: 10, key: 'cm_test_last' };
    edit(declaring({ ...declared, more: { providers: [provider('passing', 'chat', simulator.url)] } }));
    await eventually(
      'the provider is there',
      async () => (await admin(stack, 'GET', 'providers/passing')).status === 200,
    );
    const made = await change(stack, 'POST', 'models', priced('stranded', 'passing', 3));
    const stranded = { model: 'stranded', key: KEY };
    await everywhere.until(made.atMs, stranded, answered(200));
    const editedMs = edit(declaring(declared));
    expect(await everywhere.until(editedMs, stranded, answered(502))).toBeLessThanOrEqual(LIMIT_MS);
    for (const { text } of await everywhere.replies(stranded)) expect(text).toContain('No upstream');
    expect((await diff()).notes).toEqual(['model stranded names provider passing, which is not there']);
    expect((await diff()).changes).toEqual([]);
  });

  it('and the key that no file changes has worked all along, in processes that were never restarted', async () => {
    const replies = await everywhere.replies({ model: 'quick', key: KEY });
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(pidsOf()).toEqual(pids);
  });
});
