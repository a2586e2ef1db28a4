import { BUCKETS, bucketKey, type Provider } from '@switchboard/contracts';
import { checkProvider, encodeProvider, type PrismaClient, type Sealer } from '@switchboard/platform';
import { lockCatalog } from '../adapters/locks';
import { secretsOf, viewOfProvider } from '../adapters/provider-secrets';
import { json, modelOf, openProviderOf, type ProviderRow } from '../adapters/rows';
import { AdminError } from '../core/admin-error';
import type { ProviderCreateInput, ProviderUpdateInput } from '../core/inputs/provider-input';
import { canonicalJson } from '../core/json';
import { decodeCursor, type Page, pageOf, type PageRequest } from '../core/page';
import type { ProviderSecrets, ProviderView } from '../core/provider-view';
import { alreadyExists, invalidBody, notFound } from '../core/refusals';
import type { Change } from './mutations';

export class Providers {
  /** `standalone`: upstreams on loopback are fine. */
  constructor(
    private readonly prisma: PrismaClient,
    private readonly sealer: Sealer,
    private readonly rule: { standalone: boolean },
  ) {}

  /** By id. */
  async list(page: PageRequest): Promise<Page<ProviderView>> {
    const rows = await this.prisma.providerAccount.findMany({
      where: page.cursor === undefined ? {} : { id: { gt: decodeCursor(page.cursor) } },
      orderBy: { id: 'asc' },
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view: (row) => this.view(row), cursor: ({ id }) => id });
  }

  async get(id: string): Promise<ProviderView | undefined> {
    const row = await this.prisma.providerAccount.findUnique({ where: { id } });
    return row === null ? undefined : this.view(row);
  }

  /** @throws AdminError 400 with every fault, 409 */
  async create(change: Change, input: ProviderCreateInput): Promise<ProviderView> {
    const { tx, now } = change;
    await lockCatalog(tx);
    const { id } = input;
    if ((await tx.providerAccount.findUnique({ where: { id } })) !== null) throw alreadyExists('provider', id);
    const { sealed, ...spec } = encodeProvider(this.check(input), this.sealer);
    const row = await tx.providerAccount.create({
      data: { id, spec: json(spec), sealed, managedBy: 'api', createdAt: now, updatedAt: now },
    });
    const after = this.view(row);
    change.audit({ action: 'provider.create', resourceType: 'provider', resourceId: id, after });
    change.publish(BUCKETS.catalog, bucketKey.provider(id));
    return after;
  }

  /** @throws AdminError 400 with every fault, 404, 409 */
  async update(change: Change, id: string, input: ProviderUpdateInput): Promise<ProviderView> {
    const { tx } = change;
    await lockCatalog(tx);
    const before = await this.stored(change, id);
    const secretsBefore = secretsOf(before, this.sealer);
    const secrets = changedSecrets(id, secretsBefore, input);
    const provider = this.check(changedEntry(before, secrets, input));
    const { sealed, ...spec } = encodeProvider(provider, this.sealer);
    const secretsChanged = canonicalJson(secrets) !== canonicalJson(secretsBefore);
    const row = await tx.providerAccount.update({
      where: { id },
      data: { spec: json(spec), sealed: secretsChanged ? sealed : before.sealed, updatedAt: change.now },
    });
    const after = this.view(row);
    change.audit({
      ...{ action: 'provider.update', resourceType: 'provider', resourceId: id, before: this.view(before) },
      after: secretsChanged ? { ...after, secretsChanged } : after,
    });
    change.publish(BUCKETS.catalog, bucketKey.provider(id));
    return after;
  }

  /** @throws AdminError 404; 409 while models name it. */
  async remove(change: Change, id: string): Promise<void> {
    const { tx } = change;
    await lockCatalog(tx);
    const before = await this.stored(change, id);
    const models = (await tx.catalogModel.findMany()).map((row) => modelOf(row));
    const users = models.filter(({ upstreams }) => upstreams.some(({ provider }) => provider === id));
    if (users.length > 0) {
      const names = users.slice(0, 5).map((model) => model.id);
      const more = users.length > names.length ? ` and ${users.length - names.length} more` : '';
      throw new AdminError(409, 'provider_in_use', `Provider ${id} serves ${names.join(', ')}${more}.`);
    }
    await tx.providerAccount.delete({ where: { id } });
    change.audit({ action: 'provider.remove', resourceType: 'provider', resourceId: id, before: this.view(before) });
    change.publish(BUCKETS.catalog, bucketKey.provider(id));
  }

  private async stored({ tx }: Change, id: string): Promise<ProviderRow> {
    const row = await tx.providerAccount.findUnique({ where: { id } });
    if (row === null) throw notFound('provider', id);
    return row;
  }

  private check(entry: Parameters<typeof checkProvider>[0]): Provider {
    const result = checkProvider(entry, this.rule);
    if (!result.ok) throw invalidBody(result.faults);
    return result.value;
  }

  private view(row: ProviderRow): ProviderView {
    return viewOfProvider(row, this.sealer);
  }
}

function changedSecrets(
  id: string,
  before: ProviderSecrets | undefined,
  { apiKey, headers }: ProviderUpdateInput,
): ProviderSecrets {
  if (before === undefined && (apiKey === undefined || headers === undefined)) {
    const why = 'its apiKey and headers are sealed under a key that is gone: give both anew';
    throw new AdminError(409, 'secrets_unreadable', `Provider ${id} cannot be changed alone: ${why}.`);
  }
  const key = apiKey === undefined ? before?.apiKey : (apiKey ?? undefined);
  return { ...(key === undefined ? {} : { apiKey: key }), headers: headers ?? before?.headers ?? {} };
}

/** The provider with its changes, in the form of gateway.yaml. */
function changedEntry(row: ProviderRow, secrets: ProviderSecrets, input: ProviderUpdateInput) {
  const before = openProviderOf(row);
  const { timeouts, apiKey: _apiKey, headers: _headers, ...rest } = input;
  const patch = Object.entries(rest).filter(([, value]) => value !== undefined);
  const merged = { ...before, ...Object.fromEntries(patch), timeouts: { ...before.timeouts, ...timeouts } };
  const kept = Object.entries(merged).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(kept), ...secrets };
}
