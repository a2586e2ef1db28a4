import { REPLY_TEXT } from '../chaos/shapes';
import { GATEWAY_ENV, gatewayConfig, keyHash, model, provider, type Json } from '../e2e/gateway-config';
import { send } from '../e2e/http-exchange';
import { eventually } from '../e2e/usage-ledger';
import { startStack, type RunningStack } from '../stack';
import { HEALTHY } from './faults';
import { UpstreamProcess } from './upstream-process';

/** The distributed form over two upstreams of the same model, tier, price and weight. */
export interface FailoverWorld {
  stack: RunningStack;
  /** The first is the one that fails. */
  upstreams: readonly [UpstreamProcess, UpstreamProcess];
  stop(): Promise<void>;
}

export const MODEL = 'trial/model';
export const TRIAL_KEY = 'cm_test_failover-trial';
export const FIRST_TOKEN_MS = 2_000;

const TIMEOUTS = { connectMs: 1_000, firstTokenMs: FIRST_TOKEN_MS };
/** Far away, so that all of admission takes part and nothing is refused. */
const BOUNDS = {
  limits: { rpm: 1_000_000, itpm: 1_000_000_000, otpm: 1_000_000_000, concurrency: 100_000 },
  budget: { usd: 1_000_000, period: 'month' },
};
const REPLICAS = { 'edge-api': 2, router: 2 };

/** `dataDir` outlives it, for its logs. */
export async function startFailoverWorld(dataDir: string): Promise<FailoverWorld> {
  const upstreams = [await UpstreamProcess.start('one'), await UpstreamProcess.start('two')] as const;
  const endUpstreams = (): Promise<unknown> => Promise.all(upstreams.map((upstream) => upstream.end()));
  try {
    const stack = await startStack({ config: configFor(upstreams), env: GATEWAY_ENV, replicas: REPLICAS, dataDir });
    const stop = async (): Promise<void> => {
      await stack.stop();
      await endUpstreams();
    };
    for (const edge of stack.edges()) await untilKnown(edge);
    return { stack, upstreams, stop };
  } catch (error) {
    await endUpstreams();
    throw error;
  }
}

function configFor(upstreams: readonly UpstreamProcess[]): Json {
  const providers = upstreams.map(({ id, url }) => provider(id, 'anthropic', url, { timeouts: TIMEOUTS }));
  const settings = `sim-any;${HEALTHY};text=${encodeURIComponent(REPLY_TEXT)}`;
  const served = upstreams.map(({ id }) => ({ provider: id, model: settings }));
  return gatewayConfig(
    providers,
    [model(MODEL, served)],
    [{ name: 'trial', key: { hash: keyHash(TRIAL_KEY) }, ...BOUNDS }],
  );
}

async function untilKnown(edge: string): Promise<void> {
  const call = { path: '/v1/models', headers: { authorization: `Bearer ${TRIAL_KEY}` } };
  await eventually(`${edge} knows the key`, async () => (await send(edge, call)).status === 200, 30_000);
}
