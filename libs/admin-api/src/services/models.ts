import { BUCKETS, bucketKey, InvalidCursorError, type Model, type PriceSchedule } from '@switchboard/contracts';
import {
  checkModel,
  type CheckedEntry,
  type DeclaredModel,
  decodeProvider,
  type PrismaClient,
} from '@switchboard/platform';
import { lockCatalog } from '../adapters/locks';
import { priceRows, priceVersionOf } from '../adapters/price-rows';
import { json, managedOf, modelOf, type ModelRow, openProviderOf } from '../adapters/rows';
import type { ModelCreateInput, ModelUpdateInput } from '../core/inputs/model-input';
import { modelFields, modelView, type ModelView, scheduledFields } from '../core/model-view';
import { priceHistoryView, type PriceHistoryView } from '../core/price-history-view';
import { decodeCursor, type Page, pageOf, type PageRequest } from '../core/page';
import { API_POSITION_MIN } from '../core/positions';
import { pastFaults, planPrices } from '../core/price-plan';
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
    const nowMs = Date.now();
    return pageOf(rows, page.limit, {
      view: (row) => view(row, nowMs),
      cursor: ({ position, id }) => `${position} ${id}`,
    });
  }

  async get(id: string): Promise<ModelView | undefined> {
    const row = await this.prisma.catalogModel.findUnique({ where: { id } });
    return row === null ? undefined : view(row, Date.now());
  }

  /** Every version there ever was, the latest written first. @throws AdminError 404 */
  async prices(id: string, page: PageRequest): Promise<Page<PriceHistoryView>> {
    const before = page.cursor === undefined ? {} : { id: { lt: priceIdOf(decodeCursor(page.cursor)) } };
    const rows = await this.prisma.modelPrice.findMany({
      where: { modelId: id, ...before },
      orderBy: { id: 'desc' },
      take: page.limit + 1,
    });
    const model = await this.prisma.catalogModel.findUnique({ where: { id } });
    if (model === null && rows.length === 0 && page.cursor === undefined) throw notFound('model', id);
    const pricing = model === null ? undefined : modelOf(model).pricing;
    const nowMs = Date.now();
    return pageOf(rows, page.limit, {
      view: (row) => {
        const { createdAt, actor } = row;
        return priceHistoryView({ ...priceVersionOf(row), createdAt, actor }, pricing, nowMs);
      },
      cursor: (row) => String(row.id),
    });
  }

  /** Listed after all there are. @throws AdminError 400 with every fault, 409 */
  async create(change: Change, input: ModelCreateInput): Promise<ModelView> {
    const { tx, now } = change;
    await lockCatalog(tx);
    const { id } = input;
    if ((await tx.catalogModel.findUnique({ where: { id } })) !== null) throw alreadyExists('model', id);
    const model = await priced(change, await checked(tx, input), undefined);
    const last = await tx.catalogModel.aggregate({ _max: { position: true } });
    const position = Math.max(API_POSITION_MIN, (last._max.position ?? 0) + 1);
    const row = await tx.catalogModel.create({
      data: { id, spec: json(model), position, managedBy: 'api', createdAt: now, updatedAt: now },
    });
    const after = view(row, now.getTime());
    change.audit({ action: 'model.create', resourceType: 'model', resourceId: id, after });
    change.publish(BUCKETS.catalog, bucketKey.model(id));
    return after;
  }

  /** @throws AdminError 400 with every fault, 404 */
  async update(change: Change, id: string, input: ModelUpdateInput): Promise<ModelView> {
    const { tx, now } = change;
    const nowMs = now.getTime();
    await lockCatalog(tx);
    const before = await stored(tx, id);
    const known = modelOf(before);
    const { capabilities, pricing, ...rest } = input;
    const patch = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const fields = modelFields(known, nowMs);
    const entry = {
      ...fields,
      ...patch,
      capabilities: { ...fields.capabilities, ...capabilities },
      pricing: patchedPricing(known, pricing, nowMs),
    };
    const model = await priced(change, await checked(tx, { ...entry, id }), known.pricing);
    const row = await tx.catalogModel.update({ where: { id }, data: { spec: json(model), updatedAt: now } });
    const after = view(row, nowMs);
    const was = view(before, nowMs);
    change.audit({ action: 'model.update', resourceType: 'model', resourceId: id, before: was, after });
    change.publish(BUCKETS.catalog, bucketKey.model(id));
    return after;
  }

  /** @throws AdminError 404 */
  async remove(change: Change, id: string): Promise<void> {
    await lockCatalog(change.tx);
    const before = await stored(change.tx, id);
    await change.tx.catalogModel.delete({ where: { id } });
    change.audit({
      action: 'model.remove',
      resourceType: 'model',
      resourceId: id,
      before: view(before, change.now.getTime()),
    });
    change.publish(BUCKETS.catalog, bucketKey.model(id));
  }
}

/** What is given over what is there; a null price is none. What is announced stays, unless all is said anew. */
function patchedPricing(model: Model, patch: ModelUpdateInput['pricing'], nowMs: number): object {
  if (Array.isArray(patch)) return patch;
  const given = Object.fromEntries(Object.entries(patch ?? {}).filter(([, price]) => price !== undefined));
  const { pricing } = modelFields(model, nowMs);
  const current = Object.fromEntries(Object.entries({ ...pricing, ...given }).filter(([, price]) => price !== null));
  const scheduled = scheduledFields(model, nowMs);
  return scheduled.length === 0 ? current : [current, ...scheduled];
}

/** With the versions that its prices are, the new ones of them written down. @throws AdminError 400 */
async function priced(change: Change, declared: DeclaredModel, pricing: PriceSchedule | undefined): Promise<Model> {
  const { tx, now } = change;
  const { id } = declared;
  const faults = pastFaults(declared.pricing, pricing, now.getTime());
  if (faults.length > 0) throw invalidBody(faults);
  const versions = await tx.modelPrice.count({ where: { modelId: id } });
  const plan = planPrices(declared.pricing, { pricing, versions }, now.getTime());
  await tx.modelPrice.createMany({ data: priceRows(change, id, plan.added) });
  return { ...declared, pricing: plan.pricing };
}

async function stored(tx: Transaction, id: string): Promise<ModelRow> {
  const row = await tx.catalogModel.findUnique({ where: { id } });
  if (row === null) throw notFound('model', id);
  return row;
}

/** The model as the others leave it room. */
async function checked(tx: Transaction, entry: { id: string } & Record<string, unknown>): Promise<DeclaredModel> {
  const providers = (await tx.providerAccount.findMany()).map((row) =>
    decodeProvider({ ...openProviderOf(row), sealed: row.sealed }),
  );
  const others = await tx.catalogModel.findMany({ where: { id: { not: entry.id } } });
  const result: CheckedEntry<DeclaredModel> = checkModel(entry, {
    providers,
    models: others.map((row) => modelOf(row)),
  });
  if (!result.ok) throw invalidBody(result.faults);
  return result.value;
}

function priceIdOf(place: string): bigint {
  if (!/^\d{1,18}$/.test(place)) throw new InvalidCursorError();
  return BigInt(place);
}

function laterThan(place: string) {
  const [, written, id] = /^(\d{1,9}) (.+)$/s.exec(place) ?? [];
  if (written === undefined || id === undefined) throw new InvalidCursorError();
  const position = Number(written);
  return { OR: [{ position: { gt: position } }, { position, id: { gt: id } }] };
}

function view(row: ModelRow, nowMs: number): ModelView {
  return modelView(modelOf(row), managedOf(row), nowMs);
}
