import type { Sealer } from './sealer';

/** What of a webhook is nobody else's to read. */
export interface WebhookSecrets {
  /** The key of its signatures, as its receiver has it: `whsec_…`. */
  secret: string;
  /** Of its URL, with the question mark; empty where there is none. Receivers take tokens there. */
  query: string;
}

/** What the seal is bound to: a sealed part copied to another webhook does not open. */
function sealContext(webhookId: string): string {
  return `webhook:${webhookId}`;
}

export function sealWebhook(
  webhookId: string,
  { secret, query }: WebhookSecrets,
  sealer: Pick<Sealer, 'seal'>,
): string {
  return sealer.seal(JSON.stringify({ secret, query }), sealContext(webhookId));
}

/** @throws SealError when it was sealed under an unknown key, for another webhook, or was altered. */
export function openWebhook(webhookId: string, sealed: string, sealer: Pick<Sealer, 'open'>): WebhookSecrets {
  return JSON.parse(sealer.open(sealed, sealContext(webhookId))) as WebhookSecrets;
}
