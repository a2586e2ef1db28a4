import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@switchboard/platform';
import { ALERT_CASES, type AlertCase, type Series } from './alert-cases';
import { promtool } from './prometheus';

jest.setTimeout(120_000);

const ROOT = path.resolve(__dirname, '../../../..');
const ALERTS = path.join(ROOT, 'helm/switchboard/alerts');
const RUNBOOKS = path.join(ROOT, 'docs/runbooks');

const log = createLogger({ level: 'silent', name: 'test' });
const files = readdirSync(ALERTS).map((name) => path.join(ALERTS, name));
const rules = files.map((file) => readFileSync(file, 'utf8')).join('\n');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');

test('promtool finds no fault with the rules', async () => {
  expect(await promtool(['check', 'rules', ...files], { log, cwd: ROOT })).not.toContain('FAILED');
});

test('every alert has a runbook of its name, and leads to it', () => {
  const runbooks = readdirSync(RUNBOOKS).map((name) => name.replace(/\.md$/, ''));
  expect(runbooks.sort()).toEqual([...alerts].sort());
  for (const name of alerts) {
    expect(rules).toContain(`runbook_url: docs/runbooks/${name}.md`);
    const text = readFileSync(path.join(RUNBOOKS, `${name}.md`), 'utf8');
    expect(text).toMatch(
      new RegExp(`^# ${name}\n[^]*\\*\\*What users see\\.\\*\\*[^]*## How to look[^]*## What to do`),
    );
  }
});

test('every alert has a case in which it fires, and one in which it does not', () => {
  expect(ALERT_CASES.map(({ alert }) => alert).sort()).toEqual([...alerts].sort());
});

/** One run for all: starting promtool takes longer than most of the cases. */
test('alerts fire when they should, and rest when they should', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-alerts-'));
  try {
    const tests = files.flatMap((file) => [...testsOf(file)]);
    const names = tests.map((each, index) => {
      // JSON is YAML.
      writeFileSync(path.join(folder, `${index}.json`), JSON.stringify(each));
      return `${index}.json`;
    });
    await promtool(['test', 'rules', ...names], { log, cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** What promtool reads: the cases of one file of rules, by how often they are evaluated. */
function* testsOf(file: string): Iterable<object> {
  const own = ALERT_CASES.filter(({ alert }) => readFileSync(file, 'utf8').includes(`- alert: ${alert}\n`));
  for (const minutes of new Set(own.map(({ everyMinutes = 1 }) => everyMinutes))) {
    const cases = own.filter(({ everyMinutes = 1 }) => everyMinutes === minutes);
    const tests = cases.flatMap((each) => [caseOf(each, each.fires, true), caseOf(each, each.rests, false)]);
    yield { rule_files: [file], evaluation_interval: `${minutes}m`, tests };
  }
}

function caseOf({ alert, atMinute, everyMinutes = 1 }: AlertCase, series: Series, fires: boolean): object {
  const firing = [{ labels: '{alertstate="firing"}', value: 1 }];
  return {
    name: `${alert} ${fires ? 'fires' : 'rests'}`,
    interval: `${everyMinutes}m`,
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count by (alertstate) (ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: `${atMinute}m`,
        exp_samples: fires ? firing : [],
      },
    ],
  };
}
