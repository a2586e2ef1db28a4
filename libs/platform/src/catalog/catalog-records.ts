import type { Model, ModelRecordV1, Provider, ProviderRecordV1, ProviderSecretsV1 } from '@switchboard/contracts';
import type { Sealer } from '../secrets/sealer';

/** What the seal of a provider's secrets is bound to: a sealed part copied to another provider does not open. */
function sealContext(providerId: string): string {
  return `provider:${providerId}`;
}

/** The provider as it may travel and rest: credential and header values sealed under the current key. */
export function encodeProvider(provider: Provider, sealer: Pick<Sealer, 'seal'>): ProviderRecordV1 {
  const { apiKey, headers, ...open } = provider;
  const secrets: ProviderSecretsV1 = { ...(apiKey === undefined ? {} : { apiKey }), headers };
  return { ...open, sealed: sealer.seal(JSON.stringify(secrets), sealContext(provider.id)) };
}

/**
 * The inverse. Without a sealer the provider comes without credential and headers, for those who only look.
 *
 * @throws SealError when the sealed part was sealed under an unknown key, for another provider, or was altered.
 */
export function decodeProvider(record: ProviderRecordV1, sealer?: Pick<Sealer, 'open'>): Provider {
  const { sealed, ...open } = record;
  if (sealer === undefined) return { ...open, headers: {} };
  const { apiKey, headers } = parseSecrets(sealer.open(sealed, sealContext(record.id)));
  return { ...open, ...(apiKey === undefined ? {} : { apiKey }), headers };
}

function parseSecrets(plaintext: string): ProviderSecretsV1 {
  let secrets: Partial<ProviderSecretsV1> | null;
  try {
    secrets = JSON.parse(plaintext) as Partial<ProviderSecretsV1> | null;
  } catch {
    // The parser's own words quote what it read.
    throw new Error('its sealed part is not JSON');
  }
  if (secrets === null || typeof secrets !== 'object' || typeof secrets.headers !== 'object') {
    throw new Error('its sealed part holds no provider secrets');
  }
  return secrets as ProviderSecretsV1;
}

/** `position`: place in listings, ascending; ties by id. */
export function encodeModel(model: Model, position: number): ModelRecordV1 {
  return { ...model, position };
}

export function decodeModel({ position: _, ...model }: ModelRecordV1): Model {
  return model;
}

/** Listing order. */
export function compareModelRecords(
  left: Pick<ModelRecordV1, 'position' | 'id'>,
  right: Pick<ModelRecordV1, 'position' | 'id'>,
): number {
  return left.position - right.position || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
}
