import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import {
  GATEWAY_ENV,
  model,
  provider,
  UPSTREAM_DIALECTS,
  type Json,
  type UpstreamDialect,
} from '../e2e/gateway-config';
import { send } from '../e2e/http-exchange';
import { eventually } from '../e2e/usage-ledger';
import { startStack, type RunningStack } from '../stack';
import { REPLICAS } from './kill-plan';
import { payersFor, type Payers } from './payers';
import { REPLY_TEXT, SHAPES, type Shape } from './shapes';

/** The distributed form over one simulated upstream, which lives in this process and is never killed. */
export interface ChaosWorld {
  stack: RunningStack;
  simulator: RunningSimulator;
  payers: Payers;
  stop(): Promise<void>;
}

/** An edge silent for so long is taken for dead. */
export const LEASE_MS = 3_000;
/** Nano-USD per token, of `model()` of the tests. */
const PRICES = { input: 3_000, output: 15_000 };

/** `dataDir` outlives the run, for its logs. */
export async function startChaosWorld(options: { loadMs: number; dataDir: string }): Promise<ChaosWorld> {
  const simulator = await startSimulator();
  try {
    const payers = payersFor(options.loadMs);
    const env = { ...GATEWAY_ENV, RESERVATION_LEASE_MS: String(LEASE_MS) };
    const config = configFor(simulator.url, payers);
    const stack = await startStack({ config, env, replicas: { ...REPLICAS }, dataDir: options.dataDir });
    const stop = async (): Promise<void> => {
      await stack.stop();
      await simulator.close();
    };
    // What an edge never heard of it refuses while the bus is away: that is another test's.
    for (const edge of stack.edges()) for (const { key } of payers.all) await untilKnown(edge, key);
    return { stack, simulator, payers, stop };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

export function modelId(payer: string, shape: string, dialect: UpstreamDialect): string {
  return `${payer}/${shape}/${dialect}`;
}

/** Whose call it was that the upstream served, and of which shape: by the model's name there. */
export function originOf(upstreamModel: string): { payer: string; shape: string } {
  const [payer = '', shape = ''] = /;scenario=([^;]*)/.exec(upstreamModel)?.[1]?.split('/') ?? [];
  return { payer, shape };
}

export function priceOf({ input_tokens: input, output_tokens: output }: TokenCounts): number {
  return input * PRICES.input + output * PRICES.output;
}

interface TokenCounts {
  input_tokens: number;
  output_tokens: number;
}

function configFor(simulatorUrl: string, { all, tenants }: Payers): Json {
  return {
    builtinModels: false,
    policies: { limiterUnavailable: 'open' },
    // Those that fail are other providers: what is thought of them must not be thought of the good ones.
    providers: UPSTREAM_DIALECTS.flatMap((dialect) =>
      [dialect, `failing-${dialect}`].map((id) => provider(id, dialect, simulatorUrl, { probe: 'off' })),
    ),
    models: all.flatMap(({ name }) =>
      SHAPES.flatMap((shape) => UPSTREAM_DIALECTS.map((dialect) => modelFor(name, shape, dialect))),
    ),
    tenants,
  };
}

function modelFor(payer: string, shape: Shape, dialect: UpstreamDialect): Json {
  const named = (settings: string): string =>
    `sim-any;scenario=${payer}/${shape.name};text=${encodeURIComponent(REPLY_TEXT)};${settings}`;
  const upstreams = [
    ...(shape.failingFirst === undefined ? [] : [{ provider: `failing-${dialect}`, model: named(shape.failingFirst) }]),
    { provider: dialect, model: named(shape.settings) },
  ];
  return model(modelId(payer, shape.name, dialect), upstreams, {
    ...(shape.onDisconnect !== undefined && { onDisconnect: shape.onDisconnect }),
  });
}

async function untilKnown(edge: string, key: string): Promise<void> {
  const call = { path: '/v1/models', headers: { authorization: `Bearer ${key}` } };
  await eventually(`${edge} knows the keys`, async () => (await send(edge, call)).status === 200, 30_000);
}
