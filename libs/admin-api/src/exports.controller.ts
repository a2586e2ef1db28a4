import { Inject, StreamableFile } from '@nestjs/common';
import { EXPORT_FORMATS, EXPORT_KINDS, EXPORT_STATES } from '@switchboard/contracts';
import { z } from 'zod';
import type { ExportView } from './core/export-view';
import { exportInput } from './core/inputs/export-input';
import { notFound } from './core/refusals';
import { requirePermission } from './http/access.guard';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { mutate } from './http/mutate';
import { idParams } from './http/page-query';
import { deletedReply, instantReply, named } from './http/replies/reply-registry';
import { ApiController } from './http/routes';
import { Exports } from './services/exports';
import { Mutations } from './services/mutations';

const GZIP = 'application/gzip';
const target = { at: 'export', name: 'id' } as const;
const read = { permission: 'export.read', target, params: idParams } as const;
const count = z.number().int();

const exportReply = named(
  'Export',
  z.strictObject({
    id: z.string(),
    kind: z.enum(EXPORT_KINDS),
    format: z.enum(EXPORT_FORMATS),
    tenant: z.string().nullable().describe('Null: of all tenants.'),
    key: z.string().nullable(),
    model: z.string().nullable(),
    from: instantReply,
    to: instantReply,
    state: z.enum(EXPORT_STATES),
    rows: count.describe('So far.'),
    bytes: count.describe('Compressed, so far.'),
    error: z.string().nullable(),
    createdAt: instantReply,
    finishedAt: instantReply.nullable(),
    expiresAt: instantReply.nullable().describe('A day after it is made; then it is gone.'),
  }),
);

const CREATE = endpoint({
  ...{ method: 'POST', path: '', operationId: 'createExport' },
  summary:
    'Has usage, the call log or the audit log written to a file, as its list shows it; of all tenants where none is named.',
  ...{ permission: 'export.write', target: { at: 'tenant', in: 'body', name: 'tenant' }, body: exportInput },
  ...{ reply: exportReply, status: 202 },
});

const GET = endpoint({
  ...{ method: 'GET', path: ':id', operationId: 'getExport', summary: 'How far an export is.' },
  ...{ ...read, reply: exportReply },
});

const CONTENT = endpoint({
  ...{ method: 'GET', path: ':id/content', operationId: 'getExportContent', summary: 'The file, compressed.' },
  ...{ ...read, reply: exportReply, binary: GZIP },
});

const REMOVE = endpoint({
  ...{ method: 'DELETE', path: ':id', operationId: 'deleteExport', summary: 'Removes an export, made or not.' },
  ...{ permission: 'export.write', target, params: idParams, reply: deletedReply },
});

@ApiController('exports')
export class ExportsController {
  constructor(
    @Inject(Exports) private readonly exported: Exports,
    @Inject(Mutations) private readonly mutations: Mutations,
  ) {}

  @Handles(CREATE)
  create(@Input() input: InputOf<typeof CREATE>) {
    const { body, principal } = input;
    if (body.tenant === undefined) requirePermission(principal, 'export.govern');
    return mutate(this.mutations, CREATE, input, (change) => this.exported.create(change, body));
  }

  @Handles(GET)
  async get(@Input() { params: { id } }: InputOf<typeof GET>): Promise<ExportView> {
    const found = await this.exported.get(id);
    if (found === undefined) throw notFound('export', id);
    return found;
  }

  @Handles(CONTENT)
  async content(@Input() { params: { id } }: InputOf<typeof CONTENT>): Promise<StreamableFile> {
    const { name, bytes, stream } = await this.exported.content(id);
    return new StreamableFile(stream, { type: GZIP, disposition: `attachment; filename="${name}"`, length: bytes });
  }

  @Handles(REMOVE)
  remove(@Input() input: InputOf<typeof REMOVE>) {
    const { id } = input.params;
    return mutate(this.mutations, REMOVE, input, async (change) => {
      await this.exported.remove(change, id);
      return { id, deleted: true };
    });
  }
}
