import type { Catalog, ModelUpstream, Provider, RankedChoiceV2, RankedUpstreamV2 } from '@switchboard/contracts';
import {
  AccountHealth,
  choiceName,
  OutcomeTally,
  RetryBudget,
  UpstreamHealth,
  upstreamName,
} from '@switchboard/upstreams';

/** What this process knows of one model at one provider. */
export interface KnownUpstream {
  provider: string;
  /** The model's name at that provider. */
  model: string;
  health: UpstreamHealth;
  tally: OutcomeTally;
}

/** How and with what it is reached: another key or address is another account. */
interface KnownAccount {
  health: AccountHealth;
  baseUrl: string;
  apiKey: string | undefined;
}

/** Of each choice, by {@link choiceName}. */
export type PolicyRanks = ReadonlyMap<string, number>;

/** What this process met at the upstreams in the catalog, for as long as they are in it, and what the router told of them. */
export class UpstreamRegistry {
  private readonly accounts = new Map<string, KnownAccount>();
  private readonly known = new Map<string, KnownUpstream>();
  private readonly budgets = new Map<string, RetryBudget>();
  private readonly findings = new Map<string, { ranked: RankedUpstreamV2; heardMs: number }>();
  private readonly policies = new Map<string, PolicyRanks>();

  upstream(provider: Provider, { model }: ModelUpstream): KnownUpstream {
    const name = upstreamName({ provider: provider.id, model });
    const account = this.account(provider);
    const found = this.known.get(name);
    if (found?.health.account === account) return found;
    const made = { provider: provider.id, model, health: new UpstreamHealth(account), tally: new OutcomeTally() };
    const finding = this.findings.get(name);
    if (finding !== undefined) made.health.hear(finding.ranked, finding.heardMs);
    this.known.set(name, made);
    return made;
  }

  /** Of all requests for a model. */
  retryBudget(modelId: string): RetryBudget {
    let budget = this.budgets.get(modelId);
    if (budget === undefined) this.budgets.set(modelId, (budget = new RetryBudget()));
    return budget;
  }

  hear(ranked: RankedUpstreamV2, nowMs: number): void {
    const name = upstreamName(ranked);
    this.findings.set(name, { ranked, heardMs: nowMs });
    this.known.get(name)?.health.hear(ranked, nowMs);
  }

  forget(upstream: { provider: string; model: string }, nowMs: number): void {
    const name = upstreamName(upstream);
    this.findings.delete(name);
    this.known.get(name)?.health.hear(undefined, nowMs);
  }

  hearPolicy(policy: string, ranked: readonly RankedChoiceV2[] | undefined): void {
    if (ranked === undefined) return void this.policies.delete(policy);
    this.policies.set(
      policy,
      new Map(
        ranked.map(({ model, provider, upstreamModel, rank }) => [
          choiceName(model, { provider, model: upstreamModel }),
          rank,
        ]),
      ),
    );
  }

  /** Undefined: no router has ranked it. A change is another object. */
  policyRanks(policy: string): PolicyRanks | undefined {
    return this.policies.get(policy);
  }

  upstreams(): Iterable<KnownUpstream> {
    return this.known.values();
  }

  accountsByProvider(): [provider: string, health: AccountHealth][] {
    return [...this.accounts].map(([provider, { health }]) => [provider, health]);
  }

  keepOnly({ providers, models }: Catalog): void {
    const names = new Set<string>();
    for (const { upstreams } of models.values()) for (const upstream of upstreams) names.add(upstreamName(upstream));
    for (const name of this.known.keys()) if (!names.has(name)) this.known.delete(name);
    for (const id of this.accounts.keys()) if (!providers.has(id)) this.accounts.delete(id);
    for (const id of this.budgets.keys()) if (!models.has(id)) this.budgets.delete(id);
  }

  private account({ id, baseUrl, apiKey }: Provider): AccountHealth {
    const found = this.accounts.get(id);
    if (found?.baseUrl === baseUrl && found.apiKey === apiKey) return found.health;
    const health = new AccountHealth();
    this.accounts.set(id, { health, baseUrl, apiKey });
    return health;
  }
}
