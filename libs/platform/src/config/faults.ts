import type { z } from 'zod';

/** Where something stands in the file: `['providers', 1, 'baseUrl']`. */
export type ConfigPath = readonly (string | number)[];

export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** Of what may be one thing or another, the faults of the one that was meant: it has the kind of value that was given. */
export function meantIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.find(
    (faults) => !faults.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  const issues = meant?.flatMap(meantIssues) ?? [{ ...issue, path: [] }];
  return issues.map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

/** Gathers every fault of a file before anything is said, so that one reading names them all. Never holds a secret. */
export class Faults {
  private readonly found: { line: number; text: string; path: ConfigPath; message: string }[] = [];

  /** `lineOf`: the 1-based line of a path, where the file can tell. */
  constructor(private readonly lineOf: (path: ConfigPath) => number | undefined = () => undefined) {}

  add(path: ConfigPath, message: string): void {
    const line = this.lineOf(path);
    const where = line === undefined ? '' : ` (line ${line})`;
    this.found.push({ line: line ?? 0, text: `${pathText(path)}: ${message}${where}`, path, message });
  }

  addIssues(prefix: ConfigPath, issues: readonly z.core.$ZodIssue[]): void {
    for (const issue of issues.flatMap(meantIssues)) {
      const path = [...prefix, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) this.add([...path, key], 'unknown field');
      } else {
        this.add(path, issue.message.endsWith('received undefined') ? 'required' : issue.message);
      }
    }
  }

  get any(): boolean {
    return this.found.length > 0;
  }

  /** In the order of the file. */
  get list(): string[] {
    return [...this.found].sort((a, b) => a.line - b.line).map((fault) => fault.text);
  }
  /** In the order they were found, without lines. */
  get items(): { path: ConfigPath; message: string }[] {
    return this.found.map(({ path, message }) => ({ path, message }));
  }
}
