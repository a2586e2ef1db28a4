import { Load, type Exchange } from '../load';
import { alternate, checkedExchange, measureRound, type NamedSubject } from '../measure';
import { OpenLoad } from '../open-load';
import { percentile } from '../statistics';
import type { LongPromptsOptions } from './options';

/** Bytes of the bodies, equally often: 50,000, 75,000 and 100,000 tokens of four bytes. */
export const promptBytes = [200_000, 300_000, 400_000] as const;

/** In the order of the rounds. */
export interface LongPromptRounds {
  name: string;
  isGateway: boolean;
  /** Per request at the subject, in microseconds; NaN where it is not told. */
  cpuMicros: number[];
  /** As many as got through one subject on one core. */
  perSecond: number[];
  /** Until a stream's body began, at a fixed rate, in milliseconds. */
  firstP50Ms: number[];
  firstP99Ms: number[];
  /** p99 of how late requests were sent at that rate. */
  latenessMs: number[];
}

/** Every side in turn: first the closed loop, then the open one. The upstream has to answer as asked. */
export async function measureLongPrompts(
  sides: readonly NamedSubject[],
  options: LongPromptsOptions,
): Promise<LongPromptRounds[]> {
  const loaded = [];
  for (const side of sides) loaded.push({ side, exchanges: await exchangesOf(side), measured: noRounds(side) });
  const { closed, open, rounds } = options;
  for (const { side, exchanges } of loaded) {
    await new Load(side.running.port, exchanges, closed.concurrency).run(closed.warmUpMs);
    await side.running.untilIdle?.();
  }
  await alternate(loaded, rounds, async ({ side: { running }, exchanges, measured }) => {
    const load = new Load(running.port, exchanges, closed.concurrency);
    const { cpuMicros, perSecond } = await measureRound(running, load, closed.roundMs);
    measured.cpuMicros.push(cpuMicros);
    measured.perSecond.push(perSecond);
    await running.untilIdle?.();
  });
  await alternate(loaded, rounds, async ({ side: { running }, exchanges, measured }) => {
    const { perSecond, roundMs } = open;
    const run = await new OpenLoad({ port: running.port, exchanges, perSecond }).run(roundMs);
    const firstMs = run.beginningsMs.filter((_ms, index) => isStream(run.exchanges[index]));
    measured.firstP50Ms.push(percentile(firstMs, 0.5));
    measured.firstP99Ms.push(percentile(firstMs, 0.99));
    measured.latenessMs.push(percentile(run.latenessMs, 0.99));
    await running.untilIdle?.();
  });
  return loaded.map(({ measured }) => measured);
}

/** Every second one is. */
function isStream(exchange: number | undefined): boolean {
  return exchange !== undefined && exchange % 2 === 1;
}

async function exchangesOf(side: NamedSubject): Promise<Exchange[]> {
  const exchanges = [];
  for (const bodyBytes of promptBytes) {
    for (const delivery of ['whole', 'batched'] as const) {
      const name = `${bodyBytes / 1000} KB, ${delivery}`;
      const scenario = { name, bodyBytes, delivery, client: 'chat', upstream: 'chat', concurrency: 1 } as const;
      exchanges.push(await checkedExchange(scenario, side));
    }
  }
  return exchanges;
}

function noRounds({ name, isGateway = false }: NamedSubject): LongPromptRounds {
  return { name, isGateway, cpuMicros: [], perSecond: [], firstP50Ms: [], firstP99Ms: [], latenessMs: [] };
}
