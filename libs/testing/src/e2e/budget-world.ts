import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startStack, type RunningStack } from '../stack';
import { conversation, type ClientDialect } from './conversation';
import { admin, change } from './everywhere';
import { GATEWAY_ENV, gatewayConfig, model, provider, UPSTREAM_DIALECTS, type Json } from './gateway-config';
import { send, type RawReply } from './http-exchange';
import { allUsage, eventually, type UsageRecord } from './usage-ledger';

/** Of every reply of the upstream; with it as `max_tokens` a call costs what is set aside for it, but for its input. */
export const OUTPUT_TOKENS = 200;
/** 3 USD and 15 USD per million: 3,000 and 15,000 nano-USD a token. */
const OUTPUT_NANO_USD = OUTPUT_TOKENS * 15_000;
/** An edge that is silent for so long is taken for dead. */
export const LEASE_MS = 3_000;
const GIVE_UP_MS = 30_000;
const EDGES = 3;

/** Three edges and two limiters over one simulated upstream in both dialects. */
export interface BudgetWorld {
  stack: RunningStack;
  simulator: RunningSimulator;
  stop(): Promise<void>;
}

export async function startBudgetWorld(): Promise<BudgetWorld> {
  const simulator = await startSimulator();
  try {
    const config = gatewayConfig(
      UPSTREAM_DIALECTS.map((dialect) => provider(dialect, dialect, simulator.url)),
      UPSTREAM_DIALECTS.map((dialect) => modelAt(dialect)),
    );
    const env = { ...GATEWAY_ENV, RESERVATION_LEASE_MS: String(LEASE_MS) };
    const stack = await startStack({ config, env, replicas: { 'edge-api': EDGES, 'rate-limit': 2 } });
    const stop = async (): Promise<void> => {
      await stack.stop();
      await simulator.close();
    };
    return { stack, simulator, stop };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

function modelAt(dialect: string): Json {
  const upstream = `sim-any;output_tokens=${OUTPUT_TOKENS};chunks=10;chunk_delay_ms=15`;
  return model(`budget/${dialect}`, [{ provider: dialect, model: upstream }]);
}

/** A key of tenant `acme` that every edge knows. */
export async function newKey({ stack }: BudgetWorld, name: string, bounds: Json): Promise<{ id: string; key: string }> {
  const { body } = await change<{ id: string; key: string }>(stack, 'POST', 'keys', {
    tenant: 'acme',
    name,
    ...bounds,
  });
  const knownTo = (edge: string): Promise<boolean> =>
    send(edge, { path: '/v1/models', headers: { authorization: `Bearer ${body.key}` } }).then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually(`every edge knows ${name}`, async () => {
    const edges = stack.edges();
    return edges.length === EDGES && (await Promise.all(edges.map(knownTo))).every((isKnown) => isKnown);
  });
  return body;
}

export interface BudgetCall {
  edge: string;
  key: string;
  dialect: ClientDialect;
  stream: boolean;
  upstream: string;
  maxTokens?: number;
}

/** As the SDKs do it: again after a 429 or 503, when it says so. @returns the last reply; undefined: the connection broke. */
export async function callPatiently(call: BudgetCall, agent: Agent): Promise<RawReply | undefined> {
  const { edge, key, dialect, stream, upstream, maxTokens = OUTPUT_TOKENS } = call;
  const givesUpAtMs = performance.now() + GIVE_UP_MS;
  for (;;) {
    const ask = { model: `budget/${upstream}`, key, stream, extra: { max_tokens: maxTokens } };
    const reply = await send(edge, { ...conversation(dialect, ask), agent }).catch(() => undefined);
    if (reply === undefined) return undefined;
    const mayTryAgain = (reply.status === 429 || reply.status === 503) && performance.now() < givesUpAtMs;
    if (!mayTryAgain) return reply;
    await delay(Number(reply.headers['retry-after']) * 1_000);
  }
}

/** Nano-USD. */
export interface Spending {
  records: UsageRecord[];
  ledger: number;
  /** What the upstream served to the calls that the ledger tells of, at the model's prices. */
  served: number;
}

/** Once nothing of the key is open: what it came to. */
export async function spendingOf(world: BudgetWorld, keyId: string): Promise<Spending> {
  const { stack, simulator } = world;
  await eventually(
    'nothing is open',
    async () => (await rateState(world, keyId)).key.open === 0,
    LEASE_MS * 2 + GIVE_UP_MS,
  );
  // What was settled last may be on its way to the ledger.
  await eventually('the stream is read', async () => {
    const { body } = await admin<{ usageQueue: { pending: number; unacknowledged: number } }>(stack, 'GET', 'health');
    return body.usageQueue.pending === 0 && body.usageQueue.unacknowledged === 0;
  });
  await delay(200);
  const records = (await allUsage(stack)).filter(({ key }) => key === keyId);
  const ids = new Set(records.map(({ requestId }) => requestId));
  const requests = simulator.served().requests.filter(({ request_id: id }) => ids.has(id));
  const served = servedNanoUsd(requests);
  return { records, ledger: records.reduce((sum, { costNanoUsd }) => sum + Number(costNanoUsd), 0), served };
}

/** What the upstream served, at the model's prices. */
export function servedNanoUsd(requests: readonly { input_tokens: number; output_tokens: number }[]): number {
  return requests.reduce(
    (sum, { input_tokens: input, output_tokens: output }) => sum + input * 3_000 + output * 15_000,
    0,
  );
}

export interface KeyRateState {
  key: { open: number; budgets: { spentUsd: string; heldUsd: string; remainingUsd: string }[] };
}

export async function rateState({ stack }: BudgetWorld, keyId: string): Promise<KeyRateState> {
  const { status, body } = await admin<KeyRateState>(stack, 'GET', `keys/${keyId}/rate-state`);
  if (status !== 200) throw new Error(`rate-state answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** What a call costs, and what is set aside for it. */
export async function priceOf(world: BudgetWorld): Promise<{ costNanoUsd: number; heldNanoUsd: number }> {
  const { id, key } = await newKey(world, 'price', {});
  const edge = world.stack.edges()[0] ?? '';
  const agent = new Agent();
  const call = { edge, key, dialect: 'chat', stream: false, upstream: 'chat' } as const;
  await callPatiently(call, agent);
  await eventually('it is in the ledger', async () =>
    (await allUsage(world.stack)).some((record) => record.key === id),
  );
  const record = (await allUsage(world.stack)).find((each) => each.key === id);
  const body = conversation('anthropic', {
    model: 'budget/anthropic',
    key,
    stream: true,
    extra: { max_tokens: OUTPUT_TOKENS },
  });
  // Of every dialect and form the longest body, each byte of it at most one token.
  return { costNanoUsd: Number(record?.costNanoUsd), heldNanoUsd: OUTPUT_NANO_USD + String(body.body).length * 3_000 };
}
