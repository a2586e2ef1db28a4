import { usdFromNano } from '@switchboard/contracts';

/** What a tenant paid in advance. */
export interface CreditEntryView {
  id: string;
  tenant: string;
  usd: number;
  /** `opening`: from gateway.yaml. */
  kind: 'opening' | 'top_up';
  note: string;
  actor: string;
  createdAt: string;
}

export interface CreditEntryState {
  id: string;
  tenantId: string;
  amountNanoUsd: bigint;
  kind: string;
  note: string;
  actor: string;
  createdAt: Date;
}

export function creditEntryView(entry: CreditEntryState): CreditEntryView {
  const { id, tenantId, amountNanoUsd, kind, note, actor, createdAt } = entry;
  return {
    ...{ id, tenant: tenantId, usd: usdFromNano(Number(amountNanoUsd)), kind: kind as CreditEntryView['kind'] },
    ...{ note, actor, createdAt: createdAt.toISOString() },
  };
}
