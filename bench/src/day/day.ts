import { gatewayPolicy, oracle, roundRobin, type DayPolicy, type GatewaySetup } from './policies';
import { FAULTS, PROVIDERS } from './providers';
import { dayRequests, type DayOptions } from './requests';
import { simulate } from './simulate';
import { summarize, summarizeFault, type DaySummary, type FaultSummary } from './summary';
import { candidatesOf, type Candidate } from './upstream';
import { World } from './world';

const SETUPS: readonly GatewaySetup[] = [
  { name: 'auto', policy: 'auto' },
  { name: 'auto, health before tier', policy: 'auto', order: ['health', 'tier', 'price'] },
  { name: 'auto, own limited to 14', policy: 'auto', callsAtOnce: { own: 14 } },
  { name: 'auto:cheapest', policy: 'auto:cheapest' },
  { name: 'auto:fastest', policy: 'auto:fastest' },
];

export interface PolicyDay {
  policy: string;
  summary: DaySummary;
  /** As FAULTS. */
  faults: FaultSummary[];
}

/** The same day by every policy; the oracles, of cost and of latency, come last. */
export function daysByPolicy(options: DayOptions): PolicyDay[] {
  const requests = dayRequests(options);
  const policies: ((candidates: readonly Candidate[], world: World) => DayPolicy)[] = [
    roundRobin,
    ...SETUPS.map((setup) => (candidates: readonly Candidate[]) => gatewayPolicy(setup, candidates, options.seed)),
    (candidates, world) => oracle('cost', candidates, world),
    (candidates, world) => oracle('latency', candidates, world),
  ];
  return policies.map((make) => {
    const candidates = candidatesOf(PROVIDERS);
    const world = new World(PROVIDERS, FAULTS, options.seed);
    const policy = make(candidates, world);
    const served = simulate(requests, policy, world);
    const faults = FAULTS.map((fault) => summarizeFault(served, fault, world));
    return { policy: policy.name, summary: summarize(served, world), faults };
  });
}
