export interface ConfigurationReport {
  /** Of the environment, of files, of secrets: all there are. */
  faults: readonly string[];
  warnings?: readonly string[];
  /** The file it came from, where there is one. */
  source?: string | undefined;
}

/**
 * Tells an operator what is wrong with the configuration, before anything starts: faults and warnings on standard error.
 * With `--validate-config` a good one is confirmed on standard output, and nothing starts.
 *
 * @returns whether to start. If not, the exit code is set: 1 for faults, 0 for a configuration that was only validated.
 */
export function reportConfiguration({ faults, warnings = [], source }: ConfigurationReport): boolean {
  if (faults.length > 0) {
    const list = faults.map((fault) => `  - ${fault}\n`).join('');
    process.stderr.write(`The configuration has ${faults.length} fault(s):\n${list}`);
    process.exitCode = 1;
    return false;
  }
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (!process.argv.includes('--validate-config')) return true;
  process.stdout.write(`The configuration is valid${source === undefined ? '' : `: ${source}`}.\n`);
  return false;
}
