/**
 * A jest reporter that writes what `test.mjs` says at the end, as JSON, to the file named by TEST_SUMMARY_FILE:
 * `{passed, failed, skipped: {name, reason}[]}`. A suite that could not run counts as one failed test.
 *
 * A test that cannot run here says why in its title: `it.skip('… [skipped: needs taskset]')`, or in a `describe` around it.
 */
const { writeFileSync } = require('node:fs');
const path = require('node:path');

const reasonTag = /\s*\[skipped: ([^\]]+)\]/;

module.exports = class TestSummary {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap(({ testFilePath, testResults }) =>
      testResults
        .filter(({ status }) => status !== 'passed' && status !== 'failed')
        .map(({ fullName, status }) => ({
          name: `${path.relative(process.cwd(), testFilePath)} › ${fullName.replace(reasonTag, '')}`,
          reason: reasonTag.exec(fullName)?.[1] ?? (status === 'todo' ? 'not written yet' : 'no reason given'),
        })),
    );
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    writeFileSync(process.env.TEST_SUMMARY_FILE, JSON.stringify({ passed: results.numPassedTests, failed, skipped }));
  }
};
