import { type Budget, InvalidCursorError } from '@switchboard/contracts';
import { Prisma, type PrismaClient } from '@switchboard/platform';
import { decodeCursor, type Page, pageOf, type PageRequest, type TenantScope } from '../../core/page';

export interface BudgetOwnerRow {
  owner: 'tenant' | 'key';
  id: string;
  tenant: string;
  name: string;
  budget: Budget;
}

/** The tenants and keys that have a budget. */
export class BudgetOwners {
  constructor(private readonly prisma: PrismaClient) {}

  /** By tenant; within one, the tenant before its keys. */
  async list(page: PageRequest, scope: TenantScope): Promise<Page<BudgetOwnerRow>> {
    const rows = await this.prisma.$queryRaw<BudgetOwnerRow[]>`
      SELECT owner, id, tenant, name, budget
        FROM (SELECT 'tenant' AS owner, 0 AS place, id, id AS tenant, name, budget FROM tenants
              UNION ALL
              SELECT 'key', 1, id, tenant_id, name, budget FROM api_keys WHERE revoked_at IS NULL) AS owners
       WHERE budget IS NOT NULL AND jsonb_typeof(budget) <> 'null'
         ${scope === undefined ? Prisma.empty : Prisma.sql`AND tenant = ANY (${[...scope]})`}
         ${after(page.cursor)}
       ORDER BY tenant, place, id
       LIMIT ${page.limit + 1}`;
    return pageOf(rows, page.limit, { view: (row) => row, cursor: (row) => JSON.stringify(placeOf(row)) });
  }
}

function placeOf({ tenant, owner, id }: BudgetOwnerRow): [string, number, string] {
  return [tenant, owner === 'tenant' ? 0 : 1, id];
}

function after(cursor: string | undefined): Prisma.Sql {
  if (cursor === undefined) return Prisma.empty;
  const [tenant, place, id] = readPlace(decodeCursor(cursor));
  return Prisma.sql`AND (tenant, place, id) > (${tenant}, ${place}, ${id})`;
}

function readPlace(text: string): [string, number, string] {
  let place: unknown;
  try {
    place = JSON.parse(text);
  } catch {
    throw new InvalidCursorError();
  }
  if (!Array.isArray(place) || place.length !== 3) throw new InvalidCursorError();
  const [tenant, rank, id] = place as unknown[];
  if (typeof tenant !== 'string' || (rank !== 0 && rank !== 1) || typeof id !== 'string')
    throw new InvalidCursorError();
  return [tenant, rank, id];
}
