import { Inject } from '@nestjs/common';
import { RECONCILIATIONS, type Reconciliations } from '@switchboard/contracts';
import { reconciliationView } from './core/reconciliation-view';
import { endpoint, Handles } from './http/endpoint';
import { Input, type InputOf } from './http/input';
import { pageQuery, pageReply } from './http/page-query';
import { reconciliationPageReply } from './http/replies/record-replies';
import { ApiController } from './http/routes';

const LIST = endpoint({
  ...{ method: 'GET', path: '', operationId: 'listReconciliations' },
  summary: 'Each time the whole ledger was compared with what it was made of, the latest first.',
  ...{ permission: 'ledger.read', target: { at: 'platform' }, query: pageQuery, reply: reconciliationPageReply },
});

@ApiController('ledger/reconciliations')
export class ReconciliationsController {
  constructor(@Inject(RECONCILIATIONS) private readonly reconciliations: Reconciliations) {}

  @Handles(LIST)
  async list(@Input() { query }: InputOf<typeof LIST>) {
    const { records, nextCursor } = await this.reconciliations.list(query);
    return pageReply({ data: records.map(reconciliationView), nextCursor });
  }
}
