import { createHmac } from 'node:crypto';

/** Names the headers and the sender: `x-<slug>-webhook-…`. */
export interface SignedBy {
  slug: string;
  secret: string;
}

/**
 * The headers of one attempt. `v1=` and the HMAC-SHA-256 of `<timestamp>.<body>` in hex, keyed with the secret as it is
 * written; the timestamp, in seconds, is that of the attempt, so that a receiver can refuse what is old.
 */
export function signedHeaders(
  { slug, secret }: SignedBy,
  event: { id: string; body: string },
  atMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${event.body}`).digest('hex');
  return {
    'content-type': 'application/json',
    'user-agent': `${slug}-webhooks/1`,
    [`x-${slug}-webhook-id`]: event.id,
    [`x-${slug}-webhook-timestamp`]: timestamp,
    [`x-${slug}-webhook-signature`]: `v1=${signature}`,
  };
}
