import { exposedMetrics, readTable, rowsOf, withTable } from './metrics-table';

const TEXT = `# HELP switchboard_a_total Calls, by what | of <them>
# TYPE switchboard_a_total counter
switchboard_a_total{kind="x",le="no"} 1
switchboard_a_total{kind="x",other="y"} 1

# HELP gen_ai_b_seconds Waits.
# TYPE gen_ai_b_seconds histogram
gen_ai_b_seconds_bucket{model="m",le="1"} 0

# HELP process_cpu_seconds_total Not ours.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 3
`;

/** Another table is none of ours. */
const PAGE = '# Metrics\n\n<!-- metrics: begin -->\n\n<!-- metrics: end -->\n\n| `OTEL_X` | a | b | c | d |\n';

test('metrics of ours are read with their labels, and written as rows that read the same', () => {
  const rows = rowsOf(
    new Map([
      ['edge-api', exposedMetrics(TEXT)],
      ['router', exposedMetrics(TEXT).slice(0, 1)],
    ]),
  );
  expect(rows).toEqual([
    { name: 'gen_ai_b_seconds', type: 'histogram', help: 'Waits.', labels: ['model'], services: ['edge-api'] },
    {
      ...{ name: 'switchboard_a_total', type: 'counter', help: 'Calls, by what | of <them>' },
      ...{ labels: ['kind', 'other'], services: ['edge-api', 'router'] },
    },
  ]);
  expect(readTable(withTable(PAGE, rows))).toEqual(rows);
});
