import type { BucketDefinition } from '@switchboard/contracts';
import type { Prisma, PrismaClient, Sealer } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { claimReply, keepReply } from '../adapters/idempotent-replies';
import { isUniqueViolation, jsonOrNull } from '../adapters/rows';
import type { Actor } from '../core/actor';
import { AdminError } from '../core/admin-error';
import type { JsonObject } from '../core/json';
import type { ResourceType } from '../core/refusals';

/** A transaction of the admin tables. */
export type Transaction = Prisma.TransactionClient;

/** One line of the audit log. `before` and `after` hold no secrets. */
export interface AuditRecord {
  /** `key.create`, `provider.update`, … */
  action: `${ResourceType}.${string}`;
  resourceType: ResourceType;
  resourceId: string;
  /** Absent: it concerns all tenants. */
  tenantId?: string;
  before?: object;
  after?: object;
}

/** A mutation under way. What it writes, audits and publishes takes effect together, or not at all. */
export interface Change {
  readonly tx: Transaction;
  readonly actor: Actor;
  /** The time of everything it writes. */
  readonly now: Date;
  audit(record: AuditRecord): void;
  /** The bucket entry is written anew, from what the tables then say, soon after the commit. */
  publish(bucket: BucketDefinition, key: string): void;
}

export interface MutationReply {
  status: number;
  body: JsonObject;
}

export interface MutationRequest {
  actor: Actor;
  /** `requestHash`: SHA-256 of method, path and body, lower-case hex. */
  idempotency?: { key: string; requestHash: string };
  /** How long it may take before it is given up, 30 s unless told. */
  timeoutMs?: number;
}

/** For a connection of the pool. */
const CONNECTION_WAIT_MS = 5_000;
const TIMEOUT_MS = 30_000;

/** Runs each mutation as one transaction. */
export class Mutations {
  /** `committed` is called after each commit that has something to publish. */
  constructor(
    private readonly prisma: PrismaClient,
    private readonly sealer: Sealer,
    private readonly committed: () => void,
  ) {}

  /**
   * With `idempotency`, the first reply to that key is given to whoever comes with it again within a day; one that comes
   * while the first is under way waits for it. Failures are not kept.
   *
   * @throws AdminError 409 `idempotency_conflict` when the key came with another request; whatever `work` throws.
   */
  async run(
    request: MutationRequest,
    work: (change: Change) => Promise<MutationReply>,
  ): Promise<MutationReply & { replayed: boolean }> {
    let publishes = false;
    const reply = await this.prisma
      .$transaction(
        async (tx) => {
          const change = new PendingChange(tx, request.actor);
          const first = await claimReply(tx, request, change.now, this.sealer);
          if (first !== undefined) return { ...first, replayed: true };
          const made = await work(change);
          publishes = await change.write();
          await keepReply(tx, request, made, this.sealer);
          return { ...made, replayed: false };
        },
        { maxWait: CONNECTION_WAIT_MS, timeout: request.timeoutMs ?? TIMEOUT_MS },
      )
      .catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error;
        throw new AdminError(409, 'already_exists', 'Somebody else has just made the same.', { cause: error });
      });
    if (publishes) this.committed();
    return reply;
  }
}

class PendingChange implements Change {
  readonly now = new Date();
  private readonly records: AuditRecord[] = [];
  private readonly entries = new Map<string, { bucket: string; key: string }>();

  constructor(
    readonly tx: Transaction,
    readonly actor: Actor,
  ) {}

  audit(record: AuditRecord): void {
    this.records.push(record);
  }

  publish(bucket: BucketDefinition, key: string): void {
    this.entries.set(`${bucket.name} ${key}`, { bucket: bucket.name, key });
  }

  /** @returns whether there is anything to publish. */
  async write(): Promise<boolean> {
    if (this.records.length > 0) {
      const data = this.records.map(({ before, after, ...record }) => ({
        ...{ ...record, id: `aud_${uuidv7()}`, at: this.now, actor: this.actor.name },
        ...{ before: jsonOrNull(before), after: jsonOrNull(after) },
      }));
      await this.tx.auditEntry.createMany({ data });
    }
    if (this.entries.size === 0) return false;
    await this.tx.outboxEntry.createMany({ data: [...this.entries.values()] });
    return true;
  }
}
