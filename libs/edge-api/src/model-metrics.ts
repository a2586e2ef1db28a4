import type { Catalog, CatalogSource, Model, NanoUsd } from '@switchboard/contracts';
import type { Distribution, DistributionCell, Metrics, Tally, TallyCell } from '@switchboard/platform';
import { totalInputTokens, type OperationId, type Usage } from '@switchboard/protocol';
import { genAiOperation, genAiProvider, type GenAiOperation } from './core/gen-ai-names';
import type { Candidate } from './core/plan';

/** As the conventions advise. */
const DURATION_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

const CALL_LABELS = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'];

export interface ModelCall {
  candidate: Candidate;
  operation: OperationId | undefined;
  status: number;
  latencyMs: number;
  firstTokenMs: number | undefined;
  usage: Usage;
  costNanoUsd: NanoUsd;
}

/** Of one operation of one model at one provider. */
interface Cells {
  succeeded: DistributionCell;
  firstToken: DistributionCell;
  inputTokens: DistributionCell;
  outputTokens: DistributionCell;
  cost: TallyCell;
  /** What its labels are, for a call that failed. */
  labels: readonly [string, string, string];
}

/** Found by what a call has in its hand, for the labels of each cell take longer to put together than to count. */
type KnownCells = Record<GenAiOperation, WeakMap<Model, Map<string, Cells>>>;

/**
 * What calls came to by provider and model, under the names of the OpenTelemetry conventions where they have one. Models
 * and providers are those of the catalog, so that a client cannot make labels; what leaves the catalog leaves the metrics.
 */
export class ModelMetrics {
  private readonly durations: Distribution;
  private readonly firstTokens: Distribution;
  private readonly tokens: Distribution;
  private readonly costs: Tally;
  private known = noneKnown();
  private seen: Catalog | undefined;

  constructor(
    metrics: Metrics,
    private readonly catalog: CatalogSource,
  ) {
    const { standard } = metrics;
    this.durations = standard.distribution({
      name: 'gen_ai_server_request_duration_seconds',
      help: 'gen_ai.server.request.duration: calls that reached an upstream, to the last byte of the reply; error_type: the status',
      labelNames: [...CALL_LABELS, 'error_type'],
      buckets: DURATION_SECONDS,
    });
    this.firstTokens = standard.distribution({
      name: 'gen_ai_server_time_to_first_token_seconds',
      help: 'gen_ai.server.time_to_first_token: of streamed replies',
      labelNames: CALL_LABELS,
      buckets: FIRST_TOKEN_SECONDS,
    });
    this.tokens = standard.distribution({
      name: 'gen_ai_client_token_usage',
      help: 'gen_ai.client.token.usage: tokens billed per call; input: cached ones included',
      labelNames: [...CALL_LABELS, 'gen_ai_token_type'],
      buckets: TOKENS,
    });
    this.costs = metrics.tally({
      name: 'cost_usd_total',
      help: 'What calls cost, by provider and model, as their records of usage say',
      labelNames: ['provider', 'model'],
      unit: 1e-9,
    });
  }

  closed(call: ModelCall): void {
    const { status, usage } = call;
    const catalog = this.catalog.current();
    if (catalog !== this.seen) this.letGo(catalog);
    const cells = this.cellsOf(call.candidate, genAiOperation(call.operation));
    const duration = status < 400 ? cells.succeeded : this.durations.cell(...cells.labels, String(status));
    duration.observe(call.latencyMs / 1000);
    if (call.firstTokenMs !== undefined) cells.firstToken.observe(call.firstTokenMs / 1000);
    const inputTokens = totalInputTokens(usage);
    if (inputTokens + usage.outputTokens === 0) return;
    cells.inputTokens.observe(inputTokens);
    cells.outputTokens.observe(usage.outputTokens);
    cells.cost.count += call.costNanoUsd;
  }

  private cellsOf({ model, provider }: Candidate, operation: GenAiOperation): Cells {
    const found = this.known[operation].get(model)?.get(provider.id);
    return found ?? this.makeCells({ model, provider }, operation);
  }

  private makeCells({ model, provider }: Pick<Candidate, 'model' | 'provider'>, operation: GenAiOperation): Cells {
    // A call that began before its model left: told once more, and let go of at the next.
    if (this.seen?.models.has(model.id) !== true) this.seen = undefined;
    const labels = [operation, genAiProvider(provider), model.id] as const;
    const cells: Cells = {
      labels,
      succeeded: this.durations.cell(...labels),
      firstToken: this.firstTokens.cell(...labels),
      inputTokens: this.tokens.cell(...labels, 'input'),
      outputTokens: this.tokens.cell(...labels, 'output'),
      cost: this.costs.cell(provider.id, model.id),
    };
    const byModel = this.known[operation];
    const byProvider = byModel.get(model) ?? new Map<string, Cells>();
    byModel.set(model, byProvider.set(provider.id, cells));
    return cells;
  }

  /** What has left the catalog will not be called again; or it comes back, as something else. */
  private letGo(catalog: Catalog): void {
    this.seen = catalog;
    this.known = noneKnown();
    const { models, providers } = catalog;
    const names = new Set([...providers.values()].map(genAiProvider));
    const isServed = ({ gen_ai_request_model: model = '', gen_ai_provider_name: name = '' }: Record<string, string>) =>
      models.has(model) && names.has(name);
    for (const each of [this.durations, this.firstTokens, this.tokens]) each.keepOnly(isServed);
    this.costs.keepOnly(({ model = '', provider = '' }) => models.has(model) && providers.has(provider));
  }
}

function noneKnown(): KnownCells {
  return { chat: new WeakMap(), text_completion: new WeakMap(), embeddings: new WeakMap() };
}
