import { Inject } from '@nestjs/common';
import { type ConfigDiff, ConfigReconciler } from './adapters/config-reconciler';
import { endpoint, Handles } from './http/endpoint';
import { configDiffReply } from './http/replies/record-replies';
import { ApiController } from './http/routes';

const DIFF = endpoint({
  ...{ method: 'GET', path: 'diff', operationId: 'getConfigDiff' },
  summary:
    'What reconciling gateway.yaml would change now. Of secrets it says whether they differ, never what they are.',
  ...{ permission: 'config.read', target: { at: 'platform' }, reply: configDiffReply },
});

@ApiController('config')
export class ConfigController {
  constructor(@Inject(ConfigReconciler) private readonly reconciler: ConfigReconciler) {}

  @Handles(DIFF)
  diff(): Promise<ConfigDiff> {
    return this.reconciler.diff();
  }
}
