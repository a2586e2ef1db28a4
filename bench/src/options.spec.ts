import { parseOptions } from './options';
import { scenarios } from './scenarios';
import { parseCoreList } from './pinning';

/** What a round costs beyond its own time: the last replies, and the pause in which deferred work is counted. */
const overheadMs = 200;

function runMs(args: string[]): number {
  const { rounds, roundMs, warmUpMs, firstWarmUpMs } = parseOptions(args);
  const sides = 2;
  return sides * (firstWarmUpMs + scenarios.length * (warmUpMs + rounds * (roundMs + overheadMs)));
}

describe('the options', () => {
  it('default to the gateway, in under seven minutes: translators are compiled for seconds before they cost what they cost', () => {
    expect(parseOptions([])).toMatchObject({ name: 'local', subjects: ['standalone'], profile: false });
    expect(runMs([])).toBeLessThan(420_000);
  });

  it('take a first look in under a minute', () => {
    expect(runMs(['--quick'])).toBeLessThan(60_000);
  });

  it('take several subjects', () => {
    expect(parseOptions(['--subject', 'bare-proxy', '--subject', 'x']).subjects).toEqual(['bare-proxy', 'x']);
  });

  it('refuse what they do not know', () => {
    expect(() => parseOptions(['--fast'])).toThrow("Unknown option '--fast'");
  });

  it('refuse a name that would leave the folder of results', () => {
    expect(() => parseOptions(['--name', '../x'])).toThrow(TypeError);
  });
});

describe('the scenarios', () => {
  it('have names that tell them apart', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  });

  it('cover both dialects on both sides, in every size, streamed and not', () => {
    const combinations = scenarios.map((each) => `${each.client} ${each.upstream} ${each.bodyBytes} ${each.delivery}`);
    for (const pair of ['anthropic anthropic', 'chat chat', 'chat anthropic', 'anthropic chat']) {
      for (const shape of ['1024 whole', '20480 whole', '204800 whole', '1024 separate', '1024 batched']) {
        expect(combinations).toContain(`${pair} ${shape}`);
      }
    }
  });
});

describe('parseCoreList', () => {
  it.each([
    ["pid 42's current affinity list: 0,1\n", [0, 1]],
    ["pid 42's current affinity list: 0-2,5", [0, 1, 2, 5]],
    ["pid 42's current affinity list: 3", [3]],
  ])('reads %j', (text, cores) => {
    expect(parseCoreList(text)).toEqual(cores);
  });
});
