import type { LongPromptRounds } from './measure';
import { longPromptFigures, longPromptsTable } from './report';

const side = (
  name: string,
  isGateway: boolean,
  cpuMicros: number,
  perSecond: number,
  firstMs: number,
): LongPromptRounds => ({
  ...{ name, isGateway, cpuMicros: [cpuMicros, cpuMicros], perSecond: [perSecond, perSecond] },
  ...{ firstP50Ms: [firstMs, firstMs], firstP99Ms: [2 * firstMs, 2 * firstMs], latenessMs: [0.1, 0.1] },
});
const bare = side('bare-proxy', false, 250, 3000, 1);

test('what a core carries is told by its cost, and as it was reached', () => {
  expect(longPromptFigures(side('edge', true, 500, 1500, 1.5), bare)).toMatchObject({
    ...{ byCpu: 2000, reached: 1500, cpuShare: 0.75, ratio: 2, firstAddedMs: { p50: 0.5, p99: 1 } },
  });
});

test('both have to keep the bound', () => {
  expect(longPromptsTable([bare, side('edge', true, 500, 1500, 1.5)])).toMatch(/\| edge .*\| ≥ 230 met /);
  expect(longPromptsTable([bare, side('edge', true, 500, 200, 1.5)])).toMatch(/\| edge .*\| ≥ 230 \*\*missed\*\* /);
  expect(longPromptsTable([bare, side('edge', true, 5000, 1500, 1.5)])).toMatch(/\| edge .*\| ≥ 230 \*\*missed\*\* /);
});
