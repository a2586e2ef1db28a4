import type { GatewayConfig } from './gateway-config';

/** What a configuration asks for and this version does not do yet: said of each reading, lest somebody rely on it. */
export function unenforced({ tenants, providers }: GatewayConfig): string[] {
  const limited: string[] = [];
  for (const { tenant, creditsNanoUsd, keys } of tenants) {
    const bounds = [tenant, ...keys].some(
      ({ limits, budget }) => budget !== undefined || Object.keys(limits).length > 0,
    );
    if (bounds || creditsNanoUsd !== undefined) limited.push(tenant.id);
  }
  const warnings: string[] = [];
  if (limited.length > 0) {
    warnings.push(
      `limits, budgets and credits are read but NOT enforced by this version (tenants: ${limited.join(', ')})`,
    );
  }
  const accounts = providers.filter(({ limits }) => Object.keys(limits).length > 0).map(({ id }) => id);
  if (accounts.length > 0) {
    warnings.push(`provider limits are read but NOT enforced by this version (providers: ${accounts.join(', ')})`);
  }
  return warnings;
}
