import { setTimeout as delay } from 'node:timers/promises';
import type {
  Counter,
  Gauge,
  KeyHasher,
  LoadedConfig,
  Logger,
  Metrics,
  PrismaClient,
  Sealer,
} from '@switchboard/platform';
import type { ConfigChange } from '../core/config-change';
import { changesOf, type ConfigPlan, planConfig } from '../core/config-plan';
import { declaredConfig } from '../core/declared-config';
import type { Mutations, Transaction } from '../services/mutations';
import type { ConfigSource } from './config-source';
import { applySteps } from './config-writes';
import { lockCatalog } from './locks';
import { Outage } from './outage';
import { readStoredConfig } from './stored-config';

const POLL_MS = 500;
/** A first file may declare thousands of keys. */
const WRITE_TIMEOUT_MS = 600_000;

/** What reconciling would change now. */
export interface ConfigDiff {
  /** `gateway.yaml`; `environment` where there is no file. */
  source: string;
  /** False: the file has faults, and the last good state stays. */
  valid: boolean;
  faults: string[];
  changes: ConfigChange[];
  /** What an operator should know of, though nothing would be done about it. */
  notes: string[];
}

type ValidConfig = LoadedConfig & { ok: true };

/** Brings the tables to what gateway.yaml says: at start, and whenever it or a file it takes a secret from changes. */
export class ConfigReconciler {
  private readonly outage: Outage;
  private readonly reconciles: Counter<'result'>;
  private readonly valid: Gauge;
  private readonly stopping = new AbortController();
  private readonly log: Logger;
  private running: Promise<void> | undefined;
  /** Warnings of the last reading: told again only after they were gone. */
  private told: ReadonlySet<string>;

  constructor(
    private readonly source: ConfigSource,
    private readonly prisma: PrismaClient,
    private readonly mutations: Mutations,
    private readonly secrets: { sealer: Sealer; hasher: KeyHasher },
    { log, metrics }: { log: Logger; metrics: Metrics },
  ) {
    this.log = log;
    this.told = new Set(source.told);
    this.outage = new Outage(log, {
      began: 'the configuration cannot be written to the tables, trying again',
      ended: 'the tables can be written again',
    });
    this.reconciles = metrics.counter(
      {
        name: 'config_reconciles_total',
        help: 'Readings of gateway.yaml, by what came of them.',
        labelNames: ['result'],
      },
      ['applied', 'unchanged', 'invalid', 'failed'].map((result) => ({ result })),
    );
    this.valid = metrics.gauge({ name: 'config_valid', help: '1 where gateway.yaml has no faults, else 0.' });
  }

  /** Reconciles until the tables hold what the file says (or it has faults), then follows its changes until `stop`. */
  async start(): Promise<void> {
    await this.reconcilePersistently();
    this.running ??= this.follow();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** @throws the database's error. */
  async diff(): Promise<ConfigDiff> {
    const loaded = this.source.peek();
    const { name: source } = this.source;
    if (!loaded.ok) return { source, valid: false, faults: loaded.faults, changes: [], notes: [] };
    const nowMs = Date.now();
    const plan = await this.prisma.$transaction((tx) => this.plan(tx, loaded, nowMs), {
      isolationLevel: 'RepeatableRead',
    });
    return { source, valid: true, faults: [], changes: changesOf(plan), notes: plan.notes };
  }

  /** @throws the database's error; nothing was written then. */
  async reconcile(): Promise<void> {
    const loaded = await this.load();
    if (loaded.ok) await this.write(loaded);
  }

  private async follow(): Promise<void> {
    while (await this.pause()) if (await this.source.changed()) await this.reconcilePersistently();
  }

  private async reconcilePersistently(): Promise<void> {
    const loaded = await this.load();
    while (loaded.ok) {
      try {
        await this.write(loaded);
        this.outage.ended();
        return;
      } catch (error) {
        this.outage.began(error);
        this.reconciles.inc({ result: 'failed' });
        if (!(await this.pause())) return;
        if (await this.source.changed()) return this.reconcilePersistently();
      }
    }
  }

  /** False: it is to stop. */
  private async pause(): Promise<boolean> {
    const { signal } = this.stopping;
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }

  private async load(): Promise<LoadedConfig> {
    const loaded = await this.source.load().catch((error: unknown): LoadedConfig => {
      this.log.error({ err: error }, 'reading the configuration failed');
      return { ok: false, faults: [error instanceof Error ? error.message : String(error)] };
    });
    const { name: source } = this.source;
    this.valid.set(loaded.ok ? 1 : 0);
    if (loaded.ok) {
      for (const warning of loaded.warnings) if (!this.told.has(warning)) this.log.warn({ source }, warning);
      this.told = new Set(loaded.warnings);
    } else {
      this.reconciles.inc({ result: 'invalid' });
      this.log.error({ source, faults: loaded.faults }, 'the configuration has faults; the last good state stays');
    }
    return loaded;
  }

  private async write(loaded: ValidConfig): Promise<void> {
    let plan: ConfigPlan = { steps: [], notes: [] };
    await this.mutations.run(
      { actor: { name: `file:${this.source.name}` }, timeoutMs: WRITE_TIMEOUT_MS },
      async (change) => {
        await lockCatalog(change.tx);
        plan = await this.plan(change.tx, loaded, change.now.getTime());
        await applySteps(change, plan.steps, this.secrets.sealer);
        return { status: 200, body: {} };
      },
    );
    const { name: source } = this.source;
    const changes = plan.steps.length;
    this.reconciles.inc({ result: changes > 0 ? 'applied' : 'unchanged' });
    for (const note of plan.notes) this.log.warn({ source }, note);
    this.log.info(
      { source, changes },
      changes > 0 ? 'the configuration was reconciled' : 'the configuration is as it was',
    );
  }

  private async plan(tx: Transaction, { config }: ValidConfig, nowMs: number): Promise<ConfigPlan> {
    const { sealer, hasher } = this.secrets;
    return planConfig(declaredConfig(config, hasher), await readStoredConfig(tx, sealer), nowMs);
  }
}
