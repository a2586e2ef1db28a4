import { setTimeout as delay } from 'node:timers/promises';
import {
  type ResponsePartRequestV1,
  type ResponseStore,
  ResponseStoreUnavailableError,
  STORED_RESPONSE_BYTES_MAX,
  type StoredResponse,
} from '@switchboard/contracts';
import type { Logger, Metrics, TenantSealer } from '@switchboard/platform';
import { BatchSender } from '../batch-sender';
import { Outage } from '../outage';
import { type ArchiveMetrics, type LookupOutcome, type PutOutcome, registerArchiveMetrics } from './archive-metrics';
import { type PendingResponse, PendingResponses } from './core/pending-responses';
import { itemIdsOf, splitResponse } from './core/split-response';
import { openResponse, sealResponse } from './response-box';
import type { ResponseParts } from './response-parts';

/** Of all that waits, as JSON. */
const CHARACTERS_MAX = 64 * 1024 * 1024;
/** Who deletes what is not safe yet waits for that first. */
const PENDING_DELETE_MS = 2_000;
const PENDING_POLL_MS = 10;

export interface ResponseArchiveOptions {
  parts: ResponseParts;
  sealer: TenantSealer;
  log: Logger;
  metrics: Metrics;
  /** Characters of JSON held while they cannot be kept; default 64 Mi. */
  charactersMax?: number | undefined;
}

/**
 * The store as the edge has it: seals and opens, so that nobody behind it reads what tenants stored. `put` keeps it in
 * memory, and finds it there, until it is safe. The memory is bounded, and in no spool: no bill depends on it.
 */
export class ResponseArchive implements ResponseStore {
  private readonly pending: PendingResponses;
  private readonly sender: BatchSender<PendingResponse>;
  private readonly metrics: ArchiveMetrics;
  private readonly outage: Outage;
  private closed = false;

  constructor(private readonly options: ResponseArchiveOptions) {
    const { log, metrics, charactersMax = CHARACTERS_MAX } = options;
    this.pending = new PendingResponses(charactersMax);
    this.metrics = registerArchiveMetrics(metrics, () => this.buffered);
    this.outage = new Outage(log, {
      lost: 'responses cannot be stored and wait in memory',
      back: 'responses are stored again',
    });
    this.sender = new BatchSender<PendingResponse>({
      ...{ buffer: this.pending, itemsMax: 1, intervalMs: 5, inFlightMax: 4, pauseMs: { first: 100, most: 2_000 } },
      take: () => this.take(),
      send: (pending) => this.send(pending),
      sent: (pending) => {
        this.pending.confirm(pending);
        this.count('kept');
        this.outage.succeeded();
      },
      failed: (error) => {
        this.metrics.failures.inc();
        this.outage.failed(error, { waiting: this.buffered });
      },
    });
  }

  /** In memory, not yet confirmed. */
  get buffered(): number {
    return this.pending.size;
  }

  put(response: StoredResponse): void {
    const text = JSON.stringify(response);
    const { tenantId, id } = response;
    if (Buffer.byteLength(text) > STORED_RESPONSE_BYTES_MAX) return this.count('too_large');
    if (this.pending.find(tenantId, id) !== undefined) return this.count('duplicate');
    const isTaken = !this.closed && this.pending.offer({ response, text, itemIds: itemIdsOf(response) });
    if (isTaken) this.sender.schedule();
    else this.count('dropped');
  }

  async get(tenantId: string, id: string): Promise<StoredResponse | undefined> {
    const pending = this.pending.find(tenantId, id);
    if (pending !== undefined) return this.lookedUp('found', parsed(pending));
    return this.lookUp({ tenantId, responseId: id });
  }

  async findByItems(tenantId: string, itemIds: readonly string[]): Promise<StoredResponse | undefined> {
    const pending = this.pending.findByItems(tenantId, itemIds);
    if (pending !== undefined) return this.lookedUp('found', parsed(pending));
    return this.lookUp({ tenantId, itemIds: [...itemIds] });
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    for (let waitedMs = 0; this.pending.find(tenantId, id) !== undefined; waitedMs += PENDING_POLL_MS) {
      if (waitedMs >= PENDING_DELETE_MS) throw new ResponseStoreUnavailableError('the response is not stored yet');
      await delay(PENDING_POLL_MS);
    }
    return this.options.parts.remove({ tenantId, responseId: id }).catch(unavailable);
  }

  /** What failed may work now: it is tried at once. */
  wake(): void {
    this.sender.wake();
  }

  /** @returns how many were not safe within `timeoutMs`; they are counted as dropped. */
  async drain(timeoutMs: number): Promise<number> {
    await this.sender.drain(timeoutMs);
    const left = this.buffered;
    if (left > 0) {
      this.metrics.puts.inc({ outcome: 'dropped' }, left);
      this.options.log.error({ responses: left }, 'responses could not be stored in time');
    }
    return left;
  }

  /** Gives up what still waits: drain first. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.closed = true;
    await this.sender.close();
  }

  private take(): PendingResponse {
    const pending = this.pending.take();
    if (pending === undefined) throw new Error('nothing waits');
    return pending;
  }

  private async send(pending: PendingResponse): Promise<void> {
    const { response, text } = pending;
    pending.sealed ??= await sealResponse(response, text, this.options.sealer);
    await Promise.all(splitResponse(response, pending.sealed).map((part) => this.options.parts.append(part)));
  }

  private async lookUp(asked: Omit<ResponsePartRequestV1, 'part'>): Promise<StoredResponse | undefined> {
    let found: { id: string; sealed: Buffer } | undefined;
    try {
      found = await this.fetch(asked);
    } catch (error) {
      this.count('unavailable');
      return unavailable(error);
    }
    if (found === undefined) return this.lookedUp('unknown', undefined);
    const { tenantId } = asked;
    try {
      return this.lookedUp('found', await openResponse({ tenantId, ...found }, this.options.sealer));
    } catch (error) {
      // Its key is no longer in the ring, say: to its tenant it is gone, and only the operator can act.
      this.options.log.error({ err: error, tenantId, responseId: found.id }, 'a stored response does not open');
      return this.lookedUp('unreadable', undefined);
    }
  }

  private async fetch(asked: Omit<ResponsePartRequestV1, 'part'>): Promise<{ id: string; sealed: Buffer } | undefined> {
    const { parts: source } = this.options;
    const first = await source.find({ ...asked, part: 0 });
    if (first === undefined) return undefined;
    const { responseId, parts } = first;
    const pieces = [Buffer.from(first.sealed, 'base64')];
    for (let part = 1; part < parts; part++) {
      const next = await source.find({ tenantId: asked.tenantId, responseId, part });
      // Deleted, or expired, since the first was read.
      if (next === undefined) return undefined;
      pieces.push(Buffer.from(next.sealed, 'base64'));
    }
    return { id: responseId, sealed: Buffer.concat(pieces) };
  }

  private lookedUp(outcome: LookupOutcome, found: StoredResponse | undefined): StoredResponse | undefined {
    this.count(outcome);
    return found;
  }

  private count(outcome: PutOutcome | LookupOutcome): void {
    const { puts, lookups } = this.metrics;
    if (isPut(outcome)) puts.inc({ outcome });
    else lookups.inc({ outcome });
  }
}

function isPut(outcome: PutOutcome | LookupOutcome): outcome is PutOutcome {
  return outcome === 'kept' || outcome === 'too_large' || outcome === 'dropped' || outcome === 'duplicate';
}

/** A value of its own, as one that was stored is. */
function parsed({ text }: PendingResponse): StoredResponse {
  return JSON.parse(text) as StoredResponse;
}

function unavailable(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new ResponseStoreUnavailableError(reason, { cause: error });
}
