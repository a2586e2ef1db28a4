import type { KeyRecordV1, Model, Provider } from '@switchboard/contracts';
import { createLocalBus } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { candidate } from '../core/__fixtures__/candidate';
import { CatalogBucket, startEdge, type Edge } from './edge';
import { KeysBucket, silent } from './keys-bucket';

export interface SimulatedModel extends Partial<Omit<Model, 'upstreams'>> {
  /** Provider id → the model's name there, which tells the simulator what to do. */
  upstreams: Record<string, string>;
}

export interface SimulatedEdgeOptions {
  /** By id; all are the one simulator. */
  providers: Record<string, Partial<Provider>>;
  /** By id. */
  models: Record<string, SimulatedModel>;
  /** By plaintext. */
  keys: Record<string, Partial<KeyRecordV1>>;
}

/** An edge whose providers, of whatever kinds, are one simulator. */
export class SimulatedEdge {
  static async start({ providers, models, keys }: SimulatedEdgeOptions): Promise<SimulatedEdge> {
    const simulator = await startSimulator();
    const bus = createLocalBus({ log: silent });
    const [keysBucket, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
    await keysBucket.putTenant();
    for (const [plaintext, changes] of Object.entries(keys)) await keysBucket.putKey(plaintext, changes);
    for (const [id, changes] of Object.entries(providers)) {
      const kind = changes.kind ?? 'openai-compatible';
      const hasNoVersion = kind.startsWith('anthropic') || kind === 'azure-openai';
      await catalog.putProvider(id, hasNoVersion ? simulator.url : `${simulator.url}/v1`, changes);
    }
    for (const [id, { upstreams, ...changes }] of Object.entries(models)) {
      const { upstream } = candidate();
      const served = Object.entries(upstreams).map(([provider, model]) => ({ ...upstream, provider, model }));
      await catalog.putModel(id, [], { ...changes, upstreams: served });
    }
    await catalog.putSettings();
    const edge = startEdge(bus);
    const url = `http://127.0.0.1:${await edge.opened}`;
    return new SimulatedEdge(edge, simulator, url, () => bus.close());
  }

  private constructor(
    readonly edge: Edge,
    readonly simulator: RunningSimulator,
    readonly url: string,
    private readonly closeBus: () => Promise<void>,
  ) {}

  post(path: string, key: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...headers },
      body: JSON.stringify(body),
    });
  }

  /** What was told and served so far is forgotten. */
  forget(): void {
    const { usage, calls, limiter } = this.edge;
    for (const list of [usage, calls, limiter.reserved, limiter.settled]) list.length = 0;
    limiter.denial = undefined;
    this.simulator.reset();
  }

  async close(): Promise<void> {
    await this.edge.replica.close();
    await this.closeBus();
    await this.simulator.close();
  }
}
