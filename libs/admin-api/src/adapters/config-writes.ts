import { BUCKETS, bucketKey, SETTINGS_KEY } from '@switchboard/contracts';
import { encodeProvider, type Prisma, type Sealer } from '@switchboard/platform';
import type { ConfigWrite, PlanStep } from '../core/config-change';
import { addCredit } from '../services/credits';
import type { Change } from '../services/mutations';
import { type NewPrice, priceRows } from './price-rows';
import { json, keyColumns, tenantColumns } from './rows';

/** How long the hash under an older pepper stays beside the new one: edges get the new ring one after the other. */
const REHASH_OVERLAP_MS = 3_600_000;

type NewModel = Prisma.CatalogModelCreateManyInput;

/** Carries out the steps of a plan, each with its line in the audit log. */
export async function applySteps(change: Change, steps: readonly PlanStep[], sealer: Sealer): Promise<void> {
  // A first file brings a whole catalog: models that nobody had go in together, which is some ten times cheaper.
  const newModels: NewModel[] = [];
  const newPrices: NewPrice[] = [];
  for (const step of steps) {
    if (step.write.kind === 'model') newPrices.push(...priceRows(change, step.write.model.id, step.write.newPrices));
    if (step.write.kind === 'model' && step.change.action === 'create') newModels.push(newModel(change, step.write));
    else await writeStep(change, step.write, sealer);
    auditStep(change, step);
  }
  if (newModels.length > 0) await change.tx.catalogModel.createMany({ data: newModels });
  if (newPrices.length > 0) await change.tx.modelPrice.createMany({ data: newPrices });
}

function auditStep(change: Change, { change: told, write }: PlanStep): void {
  // Its line is written with the entry, under the entry's own id.
  if (write.kind === 'opening') return;
  const { resource, action, id, tenantId, before, after, secretChanged } = told;
  change.audit({
    ...{ action: `${resource}.${action}`, resourceType: resource, resourceId: id },
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(before === null ? {} : { before }),
    ...(after === null ? {} : { after: secretChanged ? { ...after, secretsChanged: true } : after }),
  });
}

function newModel(change: Change, { model, position }: ConfigWrite & { kind: 'model' }): NewModel {
  const { id } = model;
  change.publish(BUCKETS.catalog, bucketKey.model(id));
  return { id, spec: json(model), position, managedBy: 'file', createdAt: change.now, updatedAt: change.now };
}

async function writeStep(change: Change, write: ConfigWrite, sealer: Sealer): Promise<void> {
  const { tx, now } = change;
  const declared = { managedBy: 'file', updatedAt: now };
  switch (write.kind) {
    case 'settings': {
      const data = { settings: json(write.settings), updatedAt: now };
      await tx.gatewaySettings.upsert({ where: { id: 1 }, create: { id: 1, ...data }, update: data });
      return change.publish(BUCKETS.catalog, SETTINGS_KEY);
    }
    case 'provider': {
      const { sealed, ...spec } = encodeProvider(write.provider, sealer);
      const { id } = spec;
      const data = { ...declared, spec: json(spec), sealed };
      await tx.providerAccount.upsert({ where: { id }, create: { id, createdAt: now, ...data }, update: data });
      return change.publish(BUCKETS.catalog, bucketKey.provider(id));
    }
    case 'provider_deletion':
      await tx.providerAccount.delete({ where: { id: write.id } });
      return change.publish(BUCKETS.catalog, bucketKey.provider(write.id));
    case 'model': {
      const { id } = write.model;
      const data = { ...declared, spec: json(write.model), position: write.position };
      await tx.catalogModel.upsert({ where: { id }, create: { id, createdAt: now, ...data }, update: data });
      return change.publish(BUCKETS.catalog, bucketKey.model(id));
    }
    case 'model_deletion':
      await tx.catalogModel.delete({ where: { id: write.id } });
      return change.publish(BUCKETS.catalog, bucketKey.model(write.id));
    case 'tenant': {
      const { id } = write.tenant;
      const data = { ...tenantColumns(write.tenant), managedBy: write.managedBy, updatedAt: now };
      await tx.tenant.upsert({ where: { id }, create: { createdAt: now, ...data }, update: data });
      return change.publish(BUCKETS.keys, bucketKey.tenant(id));
    }
    case 'key':
      return writeKey(change, write);
    case 'key_revocation': {
      await tx.apiKey.update({ where: { id: write.id }, data: { revokedAt: now, updatedAt: now } });
      return publishSecrets(change, write.id);
    }
    case 'opening':
      await addCredit(change, { ...write, kind: 'opening', note: '' });
  }
}

async function writeKey(change: Change, write: ConfigWrite & { kind: 'key' }): Promise<void> {
  const { tx, now } = change;
  const { key, hash, retire, remove } = write;
  const data = { ...keyColumns(key), revokedAt: null, managedBy: 'file', updatedAt: now };
  await tx.apiKey.upsert({ where: { id: key.id }, create: { ...data, createdAt: now }, update: data });
  for (const gone of remove) change.publish(BUCKETS.keys, bucketKey.key(gone));
  await tx.keySecret.deleteMany({ where: { hash: { in: [...remove] } } });
  const expiresAt = new Date(now.getTime() + REHASH_OVERLAP_MS);
  await tx.keySecret.updateMany({ where: { hash: { in: [...retire] } }, data: { expiresAt } });
  const { pepperId } = hash;
  await tx.keySecret.upsert({
    where: { hash: hash.hash },
    create: { hash: hash.hash, pepperId, keyId: key.id, hint: '', createdAt: now },
    // It may have been another key's: one that went by another name.
    update: { keyId: key.id, pepperId, expiresAt: null },
  });
  return publishSecrets(change, key.id);
}

async function publishSecrets(change: Change, keyId: string): Promise<void> {
  const secrets = await change.tx.keySecret.findMany({ where: { keyId } });
  for (const { hash } of secrets) change.publish(BUCKETS.keys, bucketKey.key(hash));
}
