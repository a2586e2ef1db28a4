import type { CallLoggedV1 } from '@switchboard/contracts';
import type { Actor } from '../core/actor';
import type { Mutations } from './mutations';

/** Who read prompts: each reading has its entries in the audit log before anybody gets to see what was read. */
export class PromptReadings {
  constructor(private readonly mutations: Mutations) {}

  /** One entry for each tenant whose prompts are among the calls. `asked`: what was asked for. */
  async audit(actor: Actor, calls: readonly CallLoggedV1[], asked: object): Promise<void> {
    const byTenant = new Map<string, string[]>();
    for (const { tenantId, requestId, prompt } of calls) {
      if (prompt === undefined) continue;
      byTenant.set(tenantId, [...(byTenant.get(tenantId) ?? []), requestId]);
    }
    if (byTenant.size === 0) return;
    await this.mutations.run({ actor }, (change) => {
      for (const [tenantId, requestIds] of byTenant) {
        const [only, ...others] = requestIds;
        change.audit({
          ...{ action: 'call.read_prompt', resourceType: 'call', tenantId, after: { asked, requestIds } },
          resourceId: only !== undefined && others.length === 0 ? only : '*',
        });
      }
      return Promise.resolve({ status: 200, body: {} });
    });
  }
}
