import { noRounds } from '../paced';
import type { Bounds } from './callers';
import { parseAdmissionOptions } from './options';
import {
  body,
  costTable,
  latencyTable,
  noiseVerdict,
  savingTable,
  type AdmissionResult,
  type SideResult,
} from './report';

function side(cpuMicros: number[], of?: { batchMax: number; bounds: Bounds }): SideResult {
  const latency = {
    ...noRounds(),
    ...{ p50Ms: [0.5, 0.5, 0.6], p99Ms: [1, 2, 3], latenessMs: [0.1, 0.1, 0.2], pacedCpuMicros: cpuMicros },
  };
  return { name: 'x', ...of, cpuMicros, perSecond: [900, 1000, 1100], limiterMicros: [10, 20, 30], ...latency };
}

function resultOf(alone: number[], beside: number[]): AdmissionResult {
  const rounds = (p99Ms: number[]) => ({ calls: 150, p50Ms: [101, 101, 101], p99Ms, latenessMs: [1, 2, 3] });
  return {
    sides: [
      side([50, 60, 100]),
      side([75, 90, 150], { batchMax: 1, bounds: 'none' }),
      side([175, 190, 250], { batchMax: 1, bounds: 'limits' }),
      side([75, 90, 150], { batchMax: 64, bounds: 'none' }),
      side([115, 130, 190], { batchMax: 64, bounds: 'limits' }),
    ],
    noise: {
      batchMax: 64,
      alone: rounds(alone),
      beside: rounds(beside),
      noisy: { answered: 640, refused: 4000, answeredMost: 650 },
    },
  };
}

const result = resultOf([104, 104, 104], [105, 106, 107]);
const rowOf = (table: string, start: string): string[] =>
  (table.split('\n').find((line) => line.startsWith(start)) ?? '').split('|').map((cell) => cell.trim());

describe('the report of admission', () => {
  it('compares a key with bounds with the bare proxy, and with a key without bounds at the same edge', () => {
    const [, , , cpu, , bare, added, ratio] = rowOf(costTable(result), '| batch 1    | limits');
    expect([cpu, bare, added, ratio]).toEqual(['190.0', '**3.17**', '+100.0', '**2.11**']);
  });

  it('says what of the added cost batching saves', () => {
    expect(rowOf(savingTable(result), '| limits').slice(2, 5)).toEqual(['100.0', '40.0', '**−60 %**']);
  });

  it('compares batches only where there are two', () => {
    expect(savingTable({ ...result, sides: result.sides.slice(0, 3) })).toBe('');
  });

  it('gives differences of latency round by round', () => {
    expect(rowOf(latencyTable(result), '| batch 64   | limits').slice(3, 9)).toEqual([
      ...['0.50', '2.00'],
      ...['+0.00', '+0.00', '+0.00', '+0.00'],
    ]);
  });

  it('says whether the target for the quiet tenant was met', () => {
    expect(noiseVerdict(result)).toContain('**met** (1.02)');
    expect(noiseVerdict(resultOf([104, 104, 104], [104, 120, 130]))).toContain('**missed** (1.15)');
  });

  it('says n/a, and no figure, where CPU time is not told', () => {
    const nothing = [Number.NaN, Number.NaN, Number.NaN];
    const sides = result.sides.map((each, index) =>
      index === 0 ? each : { ...each, cpuMicros: nothing, limiterMicros: nothing, pacedCpuMicros: nothing },
    );
    const text = body({ ...result, sides }, parseAdmissionOptions([]));
    expect(text).not.toContain('NaN');
    expect(rowOf(text, '| batch 1    | limits').slice(3, 4)).toEqual(['n/a']);
  });
});
