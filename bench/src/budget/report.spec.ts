import type { Budget } from './measure';
import { budgetTables } from './report';
import { STAGES, type Stage } from './stages';

const budgetOf = (subject: string, taken: Partial<Record<Stage, number>>): Budget => ({
  ...{ scenario: 'x', subject, cpuMicros: 70, functions: [] },
  profiledMicros: Object.values(taken).reduce((sum, micros) => sum + micros, 0),
  stages: { ...(Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>), ...taken },
});

test('the table has what took time, its sum, and the CPU it explains', () => {
  const tables = budgetTables([budgetOf('bare-proxy', { undici: 20 }), budgetOf('edge', { undici: 21, other: 4.5 })]);
  expect(tables).toMatch(/\| undici +\| 20\.0 +\| 21\.0 +\|\n\| other +\| +\| 4\.5 +\|\n\| \*\*all/);
  expect(tables).toMatch(/\| \*\*all of the profile\*\* +\| \*\*20\.0\*\* +\| \*\*25\.5\*\* \|/);
  expect(tables).not.toContain('translation');
});
