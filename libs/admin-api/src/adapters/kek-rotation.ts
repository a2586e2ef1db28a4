import { BUCKETS, bucketKey } from '@switchboard/contracts';
import {
  decodeProvider,
  encodeProvider,
  type Logger,
  type PrismaClient,
  SealError,
  type Sealer,
  sealWebhook,
} from '@switchboard/platform';
import type { Change, Mutations } from '../services/mutations';
import { lockCatalog, lockWebhook } from './locks';
import { openProviderOf, type ProviderRow } from './rows';
import { type WebhookRow, webhookSecretsOf } from './webhook-rows';

interface RotationParts {
  prisma: PrismaClient;
  mutations: Mutations;
  sealer: Sealer;
  log: Logger;
}

/**
 * Seals anew what was sealed under an older key-encryption key, so that the older one can be taken away. What its ring
 * cannot open is left and named in the log.
 */
export async function resealProviders({ prisma, mutations, sealer, log }: RotationParts): Promise<void> {
  const isOld = ({ sealed }: ProviderRow): boolean => sealer.keyIdOf(sealed) !== sealer.currentKeyId;
  if (!(await prisma.providerAccount.findMany()).some(isOld)) return;
  await mutations.run({ actor: { name: 'system' } }, async (change) => {
    await lockCatalog(change.tx);
    const rows = (await change.tx.providerAccount.findMany({ orderBy: { id: 'asc' } })).filter(isOld);
    for (const row of rows) await reseal(change, row, sealer, log);
    return { status: 200, body: {} };
  });
}

async function reseal(change: Change, row: ProviderRow, sealer: Sealer, log: Logger): Promise<void> {
  const { id } = row;
  const keyId = sealer.keyIdOf(row.sealed);
  try {
    const provider = decodeProvider({ ...openProviderOf(row), sealed: row.sealed }, sealer);
    const { sealed } = encodeProvider(provider, sealer);
    await change.tx.providerAccount.update({ where: { id }, data: { sealed, updatedAt: change.now } });
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    log.error(
      { provider: id, keyId, reason: error.message },
      'the credential of a provider cannot be opened: give it anew',
    );
    return;
  }
  const audited = { action: 'provider.reseal', resourceType: 'provider', resourceId: id } as const;
  change.audit({ ...audited, before: { sealedUnder: keyId }, after: { sealedUnder: sealer.currentKeyId } });
  change.publish(BUCKETS.catalog, bucketKey.provider(id));
}

/** The same of webhooks. */
export async function resealWebhooks({ prisma, mutations, sealer, log }: RotationParts): Promise<void> {
  const isOld = ({ sealed }: Pick<WebhookRow, 'sealed'>): boolean => sealer.keyIdOf(sealed) !== sealer.currentKeyId;
  const old = (await prisma.webhook.findMany({ orderBy: { id: 'asc' } })).filter(isOld);
  for (const { id } of old) {
    await mutations.run({ actor: { name: 'system' } }, async (change) => {
      await lockWebhook(change.tx, id);
      const row = await change.tx.webhook.findUnique({ where: { id } });
      if (row !== null && isOld(row)) await resealWebhook(change, row, sealer, log);
      return { status: 200, body: {} };
    });
  }
}

async function resealWebhook(change: Change, row: WebhookRow, sealer: Sealer, log: Logger): Promise<void> {
  const { id, tenantId } = row;
  const keyId = sealer.keyIdOf(row.sealed);
  const secrets = webhookSecretsOf(row, sealer);
  if (secrets === undefined) {
    log.error({ webhook: id, keyId }, 'the secret of a webhook cannot be opened: make another in its place');
    return;
  }
  const sealed = sealWebhook(id, secrets, sealer);
  await change.tx.webhook.update({ where: { id }, data: { sealed, updatedAt: change.now } });
  const audited = { action: 'webhook.reseal', resourceType: 'webhook', resourceId: id } as const;
  change.audit({
    ...{ ...audited, ...(tenantId === null ? {} : { tenantId }) },
    ...{ before: { sealedUnder: keyId }, after: { sealedUnder: sealer.currentKeyId } },
  });
}
