import { Inject, Res } from '@nestjs/common';
import { AUDIT_COLUMNS, csvOf } from '@switchboard/contracts';
import { scopeOf } from './auth/permissions';
import { AuditLog } from './http/adapters/audit-log';
import { auditQuery } from './http/audit-query';
import { endpoint, Handles } from './http/endpoint';
import type { HttpReply } from './http/exchange';
import { Input, type InputOf } from './http/input';
import { pageReply } from './http/page-query';
import { auditPageReply } from './http/replies/record-replies';
import { ApiController } from './http/routes';

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listAudit', csv: true },
  summary: 'Every change, the latest first: who, what, before, after. A CSV page names the next in `x-next-cursor`.',
  ...{ permission: 'audit.read', target: { at: 'scope' }, query: auditQuery, reply: auditPageReply },
});

@ApiController('audit')
export class AuditController {
  constructor(@Inject(AuditLog) private readonly log: AuditLog) {}

  @Handles(LIST)
  async list(
    @Input() { query, principal }: InputOf<typeof LIST>,
    @Res({ passthrough: true }) reply: HttpReply,
  ): Promise<object | string> {
    const page = await this.log.list(query, scopeOf(principal));
    if (query.format === 'json') return pageReply(page);
    reply.header('content-type', 'text/csv; charset=utf-8');
    if (page.nextCursor !== undefined) reply.header('x-next-cursor', page.nextCursor);
    return csvOf(AUDIT_COLUMNS, page.data);
  }
}
