import { Readable } from 'node:stream';
import type { ExportFilter } from '@switchboard/contracts';
import type { PrismaClient } from '@switchboard/platform';
import { v7 as uuidv7 } from 'uuid';
import { json } from '../adapters/rows';
import { AdminError } from '../core/admin-error';
import { exportView, type ExportView } from '../core/export-view';
import type { ExportInput } from '../core/inputs/export-input';
import { notFound } from '../core/refusals';
import type { Change } from './mutations';
import { lockedTenant } from './tenants';

/** Of one tenant, or of none, at a time: each takes room for a day. */
const EXPORTS_MAX = 20;

/** A gzip file. */
export interface ExportContent {
  name: string;
  bytes: number;
  stream: Readable;
}

/** Exports as they are asked for and fetched; making them is metering's. */
export class Exports {
  constructor(private readonly prisma: PrismaClient) {}

  /** @throws AdminError 404 for the tenant, 409 */
  async create(change: Change, input: ExportInput): Promise<ExportView> {
    const { tx, actor, now } = change;
    const { kind, format, tenant, key: keyId, model } = input;
    if (tenant !== undefined) await lockedTenant(tx, tenant);
    const tenantId = tenant ?? null;
    if ((await tx.export.count({ where: { tenantId } })) >= EXPORTS_MAX) {
      throw new AdminError(409, 'too_many_exports', `There are ${EXPORTS_MAX} exports already: delete one first.`);
    }
    const filter: ExportFilter = {
      ...(keyId === undefined ? {} : { keyId }),
      ...(model === undefined ? {} : { model }),
      ...{ fromMs: Date.parse(input.from), toMs: Date.parse(input.to) },
    };
    const row = await tx.export.create({
      data: {
        ...{ id: `exp_${uuidv7()}`, tenantId, kind, format },
        ...{ filter: json(filter), actor: actor.name, createdAt: now },
      },
    });
    const after = exportView(row);
    change.audit({ action: 'export.create', ...auditedAs(after), after });
    return after;
  }

  async get(id: string): Promise<ExportView | undefined> {
    const row = await this.prisma.export.findUnique({ where: { id } });
    return row === null ? undefined : exportView(row);
  }

  /** One piece is in memory at a time, read when its receiver has taken the one before. @throws AdminError 404, 409 */
  async content(id: string): Promise<ExportContent> {
    const found = await this.get(id);
    if (found === undefined) throw notFound('export', id);
    const { kind, format, state, bytes, createdAt } = found;
    if (state !== 'done') throw new AdminError(409, 'export_not_done', `Export ${id} is ${state}.`);
    const name = `${kind}-${createdAt.slice(0, 10)}-${id.slice(-8)}.${format}.gz`;
    return { name, bytes, stream: Readable.from(this.pieces(id, bytes), { objectMode: false, highWaterMark: 1 }) };
  }

  /** Whatever its state; whoever makes it leaves off. @throws AdminError 404 */
  async remove(change: Change, id: string): Promise<void> {
    const row = await change.tx.export.findUnique({ where: { id } });
    if (row === null) throw notFound('export', id);
    await change.tx.export.deleteMany({ where: { id } });
    const before = exportView(row);
    change.audit({ action: 'export.remove', ...auditedAs(before), before });
  }

  /** @throws Error when the export is deleted meanwhile: then the reply breaks off, short of its length. */
  private async *pieces(exportId: string, bytes: number): AsyncGenerator<Buffer> {
    let sent = 0;
    for (let position = 0; sent < bytes; position++) {
      const chunk = await this.prisma.exportChunk.findUnique({ where: { exportId_position: { exportId, position } } });
      if (chunk === null) throw new Error(`the export ${exportId} was deleted while it was fetched`);
      sent += chunk.data.length;
      yield Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.length);
    }
  }
}

function auditedAs({ id, tenant }: Pick<ExportView, 'id' | 'tenant'>) {
  return { resourceType: 'export', resourceId: id, ...(tenant === null ? {} : { tenantId: tenant }) } as const;
}
