import type { Tenant } from '@switchboard/contracts';
import type { PrismaClient } from '@switchboard/platform';
import { publishedTenants } from '../../adapters/published-tenants';
import { keyOf } from '../../adapters/rows';
import type { KeyDeclaration } from '../../core/key-view';
import type { TenantScope } from '../../core/page';

export interface BoundedKey {
  key: KeyDeclaration;
  tenant: Tenant;
}

/** Keys and tenants with all that bounds their calls, as the edges get them. */
export class BoundedKeys {
  constructor(private readonly prisma: PrismaClient) {}

  /** Undefined: there is no such key, or not in this scope. */
  async get(id: string, scope?: TenantScope): Promise<BoundedKey | undefined> {
    const row = await this.prisma.apiKey.findUnique({ where: { id } });
    if (row === null || scope?.includes(row.tenantId) === false) return undefined;
    const [tenant] = await publishedTenants(this.prisma, [row.tenantId]);
    return tenant && { key: keyOf(row), tenant };
  }
}
