import { BUCKETS, bucketKey, InvalidCursorError, type Model } from '@switchboard/contracts';
import { checkModel, type CheckedEntry, decodeProvider, type PrismaClient } from '@switchboard/platform';
import { lockCatalog } from '../adapters/locks';
import { json, managedOf, modelOf, type ModelRow, openProviderOf } from '../adapters/rows';
import type { ModelCreateInput, ModelUpdateInput } from '../core/inputs/model-input';
import { modelFields, modelView, type ModelView, type PricesView } from '../core/model-view';
import { decodeCursor, type Page, pageOf, type PageRequest } from '../core/page';
import { API_POSITION_MIN } from '../core/positions';
import { alreadyExists, invalidBody, notFound } from '../core/refusals';
import type { Change, Transaction } from './mutations';

export class Models {
  constructor(private readonly prisma: PrismaClient) {}

  /** In listing order. */
  async list(page: PageRequest): Promise<Page<ModelView>> {
    const rows = await this.prisma.catalogModel.findMany({
      where: page.cursor === undefined ? {} : laterThan(decodeCursor(page.cursor)),
      orderBy: [{ position: 'asc' }, { id: 'asc' }],
      take: page.limit + 1,
    });
    return pageOf(rows, page.limit, { view, cursor: ({ position, id }) => `${position} ${id}` });
  }

  async get(id: string): Promise<ModelView | undefined> {
    const row = await this.prisma.catalogModel.findUnique({ where: { id } });
    return row === null ? undefined : view(row);
  }

  /** Listed after all there are. @throws AdminError 400 with every fault, 409 */
  async create(change: Change, input: ModelCreateInput): Promise<ModelView> {
    const { tx, now } = change;
    await lockCatalog(tx);
    const { id } = input;
    if ((await tx.catalogModel.findUnique({ where: { id } })) !== null) throw alreadyExists('model', id);
    const model = await checked(tx, input);
    const last = await tx.catalogModel.aggregate({ _max: { position: true } });
    const position = Math.max(API_POSITION_MIN, (last._max.position ?? 0) + 1);
    const row = await tx.catalogModel.create({
      data: { id, spec: json(model), position, managedBy: 'api', createdAt: now, updatedAt: now },
    });
    const after = view(row);
    change.audit({ action: 'model.create', resourceType: 'model', resourceId: id, after });
    change.publish(BUCKETS.catalog, bucketKey.model(id));
    return after;
  }

  /** @throws AdminError 400 with every fault, 404 */
  async update(change: Change, id: string, input: ModelUpdateInput): Promise<ModelView> {
    const { tx } = change;
    await lockCatalog(tx);
    const before = await stored(tx, id);
    const { capabilities, pricing, ...rest } = input;
    const patch = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const fields = modelFields(modelOf(before));
    const entry = {
      ...fields,
      ...patch,
      capabilities: { ...fields.capabilities, ...capabilities },
      pricing: patchedPricing(fields.pricing, pricing),
    };
    const model = await checked(tx, { ...entry, id });
    const row = await tx.catalogModel.update({ where: { id }, data: { spec: json(model), updatedAt: change.now } });
    const after = view(row);
    change.audit({ action: 'model.update', resourceType: 'model', resourceId: id, before: view(before), after });
    change.publish(BUCKETS.catalog, bucketKey.model(id));
    return after;
  }

  /** @throws AdminError 404 */
  async remove(change: Change, id: string): Promise<void> {
    await lockCatalog(change.tx);
    const before = await stored(change.tx, id);
    await change.tx.catalogModel.delete({ where: { id } });
    change.audit({ action: 'model.remove', resourceType: 'model', resourceId: id, before: view(before) });
    change.publish(BUCKETS.catalog, bucketKey.model(id));
  }
}

/** What is given over what is there; a null price is none. */
function patchedPricing(pricing: PricesView, patch: ModelUpdateInput['pricing'] = {}) {
  const given = Object.fromEntries(Object.entries(patch).filter(([, price]) => price !== undefined));
  return Object.fromEntries(Object.entries({ ...pricing, ...given }).filter(([, price]) => price !== null));
}

async function stored(tx: Transaction, id: string): Promise<ModelRow> {
  const row = await tx.catalogModel.findUnique({ where: { id } });
  if (row === null) throw notFound('model', id);
  return row;
}

/** The model as the others leave it room. */
async function checked(tx: Transaction, entry: { id: string } & Record<string, unknown>): Promise<Model> {
  const providers = (await tx.providerAccount.findMany()).map((row) =>
    decodeProvider({ ...openProviderOf(row), sealed: row.sealed }),
  );
  const others = await tx.catalogModel.findMany({ where: { id: { not: entry.id } } });
  const result: CheckedEntry<Model> = checkModel(entry, { providers, models: others.map((row) => modelOf(row)) });
  if (!result.ok) throw invalidBody(result.faults);
  return result.value;
}

function laterThan(place: string) {
  const [, written, id] = /^(\d{1,9}) (.+)$/s.exec(place) ?? [];
  if (written === undefined || id === undefined) throw new InvalidCursorError();
  const position = Number(written);
  return { OR: [{ position: { gt: position } }, { position, id: { gt: id } }] };
}

function view(row: ModelRow): ModelView {
  return modelView(modelOf(row), managedOf(row));
}
