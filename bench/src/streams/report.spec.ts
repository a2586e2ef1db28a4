import type { StreamSide } from './measure';
import { parseStreamsOptions } from './options';
import { streamsBody, streamVerdicts } from './report';

const side = (name: string, isGateway: boolean, maxMs: number[], residentMb: number): StreamSide => ({
  ...{ name, isGateway },
  rounds: maxMs.map((worst) => ({
    ...{ chunksPerSecond: 40_000, p50Ms: 1, p99Ms: worst / 2, p999Ms: worst, maxMs: worst },
    ...{ cpuShare: 0.5, residentMb, latenessMs: 0.2 },
  })),
});
const direct = side('direct', false, [5, 5, 5], 100);
const bare = side('bare-proxy', false, [20, 60, 20], 80);
const options = parseStreamsOptions([]);

test('the worst chunk of all rounds counts, beyond the worst of the bare proxy', () => {
  const [only] = streamVerdicts([direct, bare, side('distributed', true, [100, 30, 112], 350)]);
  expect(only).toEqual({ name: 'distributed', beyondMs: 52, residentMb: 350, chunksPerSecond: 40_000 });
});

test('says what was met, what missed, and where the load was less than wanted', () => {
  const edge = side('distributed', true, [100, 30, 100], 450);
  expect(streamsBody([direct, bare, edge], options)).toContain(
    "bare proxy's: met (+40.0 ms); RSS at most 400 MB: **missed** (450 MB).",
  );
  expect(streamsBody([direct, bare, edge], { ...options, streams: 4000 })).toContain(
    'Only 40000 of 80000 chunks/s were carried.',
  );
});

test('without the bare proxy there is nothing to say', () => {
  expect(() => streamVerdicts([direct])).toThrow(RangeError);
});

test('reduced figures are not kept', () => {
  expect(options.keep).toBe(true);
  expect(parseStreamsOptions(['--streams', '400']).keep).toBe(false);
  expect(() => parseStreamsOptions(['--rate', '200'])).toThrow('--rate must be 100 at most');
});
