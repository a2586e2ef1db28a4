/**
 * Accounts of the ledger. An entry above 0 is in the favour of its account, and a tenant's balance, what it paid in less
 * what its calls cost, is the sum of its entries. A call of 5: the tenant −5, `platform:usage` +5. A top-up of 100: the
 * tenant +100, `platform:credits` −100.
 */
export const ledgerAccount = {
  tenant: (tenantId: string): string => `tenant:${tenantId}`,
  /** What all calls cost. */
  usage: 'platform:usage',
  /** What all tenants paid in, below 0. */
  credits: 'platform:credits',
} as const;
