import type { ServedRequest } from '@switchboard/simulator';
import { billedOf, inputTokensOf, isDue, type Audit, type Evidence, type Joined } from './audit';
import type { Outcome } from './reply-verdict';
import { priceOf } from './world';

const OUTCOMES: readonly Outcome[] = ['whole', 'refused', 'failed', 'left', 'broken', 'cut'];
const SHOWN_OF_A_RULE = 12;

interface Figures {
  count: number;
  input: number;
  output: number;
  nanoUsd: number;
}

/** The whole of a run, for people: what was served, what the ledger has of it, budgets, clients, and every violation. */
export function tableOf(evidence: Evidence, result: Audit): string {
  return [
    section('Accuracy of what is recorded, beside what the upstream served of it', accuracyRows(result.joined)),
    section('Served by the upstream', servedRows(evidence.served, result.joined)),
    section('Budgets', budgetRows(result)),
    section('Clients', clientRows(evidence)),
    section('Killed', killRows(evidence)),
    violationsOf(result),
  ].join('\n\n');
}

function accuracyRows(joined: readonly Joined[]): string[][] {
  const head = ['', 'records', 'input', 'output', 'nano-USD', 'served input', 'served output', 'served nano-USD'];
  const rows = ['exact', 'estimated', 'orphaned'].map((accuracy) => {
    const mine = joined.filter(({ records }) => records[0]?.accuracy === accuracy);
    const ledger = sum(
      mine.flatMap(({ records }) =>
        records.map((each) => ({
          count: 1,
          input: inputTokensOf(each),
          output: each.outputTokens,
          nanoUsd: Number(each.costNanoUsd),
        })),
      ),
    );
    const served = sum(mine.flatMap((each) => billedOf(each) ?? []).map(figuresOf));
    return [accuracy, ...cells(ledger), ...cells(served).slice(1)];
  });
  return [head, ...rows];
}

function servedRows(served: readonly ServedRequest[], joined: readonly Joined[]): string[][] {
  const head = ['', 'requests', 'input', 'output', 'nano-USD'];
  const outcomes = ['completed', 'aborted', 'broken', 'refused', 'active'].map((outcome) => [
    outcome,
    ...cells(sum(served.filter((each) => each.outcome === outcome).map(figuresOf))),
  ]);
  const due = joined.filter((each) => each.served.some(isDue));
  const idCell = (matching: readonly Joined[]): string[] => [String(matching.length), '', '', ''];
  const failedOver = joined.flatMap((each) => each.served.slice(0, -1)).map(figuresOf);
  return [
    head,
    ...outcomes,
    ['earlier attempts, not billed', ...cells(sum(failedOver))],
    ['request ids that are due', ...idCell(due)],
    ['  once in the ledger', ...idCell(due.filter(({ records }) => records.length === 1))],
    ['  twice', ...idCell(due.filter(({ records }) => records.length > 1))],
    ['  MISSING', ...idCell(due.filter(({ records }) => records.length === 0))],
    ['recorded, never served (status ≥ 400)', ...idCell(joined.filter((each) => each.served.length === 0))],
  ];
}

function budgetRows({ budgets }: Audit): string[][] {
  return [
    ['', 'budget', 'ledger', 'served', 'used', 'refused 402'],
    ...budgets.map(({ name, nanoUsd, ledger, served, refused }) => {
      const used = `${((100 * ledger) / nanoUsd).toFixed(1)} %`;
      return [name, ...[nanoUsd, ledger, served].map(grouped), used, String(refused)];
    }),
  ];
}

function clientRows({ calls }: Evidence): string[][] {
  const payers = [...new Set(calls.map(({ payer }) => payer))].sort();
  const row = (name: string, mine: typeof calls): string[] => [
    name,
    String(mine.length),
    ...OUTCOMES.map((outcome) => String(mine.filter((each) => each.outcome === outcome).length)),
  ];
  return [
    ['', 'calls', ...OUTCOMES],
    ...payers.map((name) =>
      row(
        name,
        calls.filter(({ payer }) => payer === name),
      ),
    ),
    row('all', calls),
  ];
}

function killRows({ kills }: Evidence): string[][] {
  const kinds = [...new Set(kills.map(({ kind }) => kind))].sort();
  return [
    ['', 'times', 'slowest back'],
    ...kinds.map((kind) => {
      const mine = kills.filter((each) => each.kind === kind);
      const backMs = mine.map(({ atMs, backAtMs = Infinity }) => backAtMs - atMs);
      return [kind, String(mine.length), `${(Math.max(...backMs) / 1_000).toFixed(1)} s`];
    }),
  ];
}

function violationsOf({ violations }: Audit): string {
  if (violations.length === 0) return 'No violation.';
  const rules = [...new Set(violations.map(({ rule }) => rule))];
  const told = rules.flatMap((rule) => {
    const mine = violations.filter((each) => each.rule === rule);
    const shown = mine.slice(0, SHOWN_OF_A_RULE).map(({ requestId, detail }) => `    ${requestId} ${detail}`);
    const more = mine.length > SHOWN_OF_A_RULE ? [`    … and ${mine.length - SHOWN_OF_A_RULE} more`] : [];
    return [`  ${mine.length} × against: ${rule}`, ...shown, ...more];
  });
  return [`${violations.length} VIOLATIONS`, ...told].join('\n');
}

function figuresOf(served: ServedRequest): Figures {
  return { count: 1, input: served.input_tokens, output: served.output_tokens, nanoUsd: priceOf(served) };
}

function sum(figures: readonly Figures[]): Figures {
  const total: Figures = { count: 0, input: 0, output: 0, nanoUsd: 0 };
  for (const { count, input, output, nanoUsd } of figures) {
    total.count += count;
    total.input += input;
    total.output += output;
    total.nanoUsd += nanoUsd;
  }
  return total;
}

function cells({ count, input, output, nanoUsd }: Figures): string[] {
  return [count, input, output, nanoUsd].map(grouped);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** The first column to the left, figures to the right. */
function section(title: string, rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}
