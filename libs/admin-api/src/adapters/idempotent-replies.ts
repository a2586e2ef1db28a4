import { SealError, type Sealer } from '@switchboard/platform';
import { AdminError } from '../core/admin-error';
import type { JsonObject } from '../core/json';
import type { MutationReply, MutationRequest, Transaction } from '../services/mutations';

/** How long a first reply is kept. */
export const REPLY_KEPT_MS = 24 * 3_600_000;

/**
 * Takes the key of a request for this transaction, waiting for another that has taken it.
 *
 * @returns the first reply, where there was one.
 * @throws AdminError 409 when the key came with another request.
 */
export async function claimReply(
  tx: Transaction,
  { actor, idempotency }: MutationRequest,
  now: Date,
  sealer: Sealer,
): Promise<MutationReply | undefined> {
  if (idempotency === undefined) return undefined;
  const id = { actor: actor.name, key: idempotency.key };
  await tx.idempotentReply.deleteMany({ where: { ...id, createdAt: { lt: new Date(now.getTime() - REPLY_KEPT_MS) } } });
  const row = { ...id, requestHash: idempotency.requestHash, status: 0, sealedBody: '', createdAt: now };
  // ON CONFLICT DO NOTHING: waits until the transaction that wrote the same key has ended.
  const { count } = await tx.idempotentReply.createMany({ data: [row], skipDuplicates: true });
  if (count === 1) return undefined;
  const first = await tx.idempotentReply.findUniqueOrThrow({ where: { actor_key: id } });
  if (first.requestHash !== idempotency.requestHash) {
    throw conflict('This Idempotency-Key came with another request before.');
  }
  return { status: first.status, body: openBody(first.sealedBody, id, sealer) };
}

/** Completes what {@link claimReply} began. The body is sealed: it may hold a new key. */
export async function keepReply(
  tx: Transaction,
  { actor, idempotency }: MutationRequest,
  { status, body }: MutationReply,
  sealer: Sealer,
): Promise<void> {
  if (idempotency === undefined) return;
  const id = { actor: actor.name, key: idempotency.key };
  const sealedBody = sealer.seal(JSON.stringify(body), contextOf(id));
  await tx.idempotentReply.update({ where: { actor_key: id }, data: { status, sealedBody } });
}

function openBody(sealed: string, id: { actor: string; key: string }, sealer: Sealer): JsonObject {
  try {
    return JSON.parse(sealer.open(sealed, contextOf(id))) as JsonObject;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    throw conflict('This request was carried out before; its reply can no longer be read.', error);
  }
}

function contextOf({ actor, key }: { actor: string; key: string }): string {
  return `reply:${actor}:${key}`;
}

function conflict(message: string, cause?: unknown): AdminError {
  return new AdminError(409, 'idempotency_conflict', message, { cause });
}
