import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import type { GatewayOptions, RunningGateway } from '../gateway';
import {
  gatewayConfig,
  GATEWAY_ENV,
  keyHash,
  model,
  provider,
  UPSTREAM_DIALECTS,
  type Json,
  type UpstreamDialect,
} from './gateway-config';

/** The provider ids of the gateway below, each named after the dialect it speaks. */
export const UPSTREAMS = UPSTREAM_DIALECTS;
export type Upstream = UpstreamDialect;

/** What the simulator is to do, as the suffix of the upstream's model name. */
const SCENARIOS = {
  plain: '',
  thinking: ';thinking=1',
  parallel: ';parallel_tools=2',
  metered: ';input_tokens=100;cache_read_tokens=40;output_tokens=30;reasoning_tokens=10',
  slow: ';chunks=400;chunk_delay_ms=50',
  /** Silent for as long as any test waits. */
  silent: ';first_token_ms=60000',
  /** Busy once, then well. */
  recovering: ';fail_first=1;status=429;retry_after=1',
  busy: ';status=429;retry_after=7',
  overloaded: ';status=529',
  refusing: ';status=422',
  /** The delay lets the first chunks reach the client before the fault does. */
  breaking: ';chunks=10;chunk_delay_ms=20;mid_stream_error=3',
  truncated: ';chunks=10;chunk_delay_ms=20;truncate=3,close',
} as const;
export type ScenarioName = keyof typeof SCENARIOS;

/** May use no model at all that these tests ask for. */
export const OTHER_MODELS_KEY = 'cm_test_e2e-other-models';
/** Above any image here, below what is slow to send. */
export const BODY_BYTES_MAX = 512 * 1024;

export interface TwoUpstreams<G extends RunningGateway = RunningGateway> {
  gateway: G;
  simulator: RunningSimulator;
  /** Has the simulator forget what it served; which calls those were stays known. */
  forget(): void;
  /** The request ids of all conversations that reached the simulator since the start. */
  calls(): Set<string>;
  stop(): Promise<void>;
}

/** The catalog id of the model that one upstream serves with one scenario. */
export function modelId(upstream: Upstream, scenario: ScenarioName = 'plain'): string {
  return `test/${scenario}-on-${upstream}`;
}

/** As `modelId`, but declared without vision. */
export function textOnlyModelId(upstream: Upstream): string {
  return `test/text-only-on-${upstream}`;
}

/** Every id of the catalog, in its order. */
export const MODEL_IDS: readonly string[] = UPSTREAMS.flatMap((upstream) => [
  ...scenarioNames().map((scenario) => modelId(upstream, scenario)),
  textOnlyModelId(upstream),
]);

/** A gateway before one simulator that is two providers: one speaks Anthropic Messages, one OpenAI Chat. */
export async function startTwoUpstreams<G extends RunningGateway>(
  start: (options: GatewayOptions) => Promise<G>,
): Promise<TwoUpstreams<G>> {
  const simulator = await startSimulator();
  try {
    const gateway = await start({
      config: configFor(simulator.url),
      env: { ...GATEWAY_ENV, MAX_BODY_BYTES: String(BODY_BYTES_MAX) },
    });
    return { gateway, simulator, ...rememberedCalls(simulator), stop: () => stopBoth(gateway, simulator) };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

function rememberedCalls(simulator: RunningSimulator): Pick<TwoUpstreams, 'forget' | 'calls'> {
  const known = new Set<string>();
  const calls = (): Set<string> => {
    const conversations = simulator.served().requests.filter(({ path }) => !path.endsWith('/count_tokens'));
    for (const { request_id: requestId } of conversations) known.add(requestId);
    return known;
  };
  const forget = (): void => {
    calls();
    simulator.reset();
  };
  return { calls, forget };
}

async function stopBoth(gateway: RunningGateway, simulator: RunningSimulator): Promise<void> {
  await gateway.stop();
  await simulator.close();
}

function configFor(simulatorUrl: string): Json {
  const served = (upstream: Upstream, suffix: string) => [{ provider: upstream, model: `sim-any${suffix}` }];
  return gatewayConfig(
    UPSTREAMS.map((upstream) => provider(upstream, upstream, simulatorUrl)),
    UPSTREAMS.flatMap((upstream) => [
      ...scenarioNames().map((name) => model(modelId(upstream, name), served(upstream, SCENARIOS[name]))),
      model(textOnlyModelId(upstream), served(upstream, ''), { capabilities: { streaming: true, tools: 'native' } }),
    ]),
    [{ name: 'other-models', key: { hash: keyHash(OTHER_MODELS_KEY) }, models: ['other/*'] }],
  );
}

function scenarioNames(): ScenarioName[] {
  return Object.keys(SCENARIOS) as ScenarioName[];
}

/** What the gateway says about a reply it relayed, under its own names and under the one the client's SDK reads. */
export interface ServedHeaders {
  requestId: string | null;
  /** `request-id` or `x-request-id`, whichever the dialect has. */
  sdkRequestId: string | null;
  upstream: string | null;
  attempts: string | null;
  losses: string | null;
}

export function servedHeaders(headers: { get(name: string): string | null }): ServedHeaders {
  return {
    requestId: headers.get('x-callmissed-request-id'),
    sdkRequestId: headers.get('request-id') ?? headers.get('x-request-id'),
    upstream: headers.get('x-callmissed-upstream'),
    attempts: headers.get('x-callmissed-attempts'),
    losses: headers.get('x-callmissed-translation-loss'),
  };
}

/** Waits until `reached` holds; fails after `limitMs`. For what another process does in its own time. */
export async function eventually(reached: () => boolean, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!reached()) {
    if (Date.now() > deadline) throw new Error(`not reached in ${limitMs} ms: ${reached}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
