/**
 * A jest reporter that writes what `test.mjs` says at the end, as JSON, to the file named by TEST_SUMMARY_FILE:
 * `{passed, failed, failures: {name, reason}[], skipped: {name, reason}[]}`. A suite that could not run counts as one
 * failed test.
 *
 * A test that cannot run here says why in its title: `it.skip('… [skipped: needs taskset]')`, or in a `describe` around it.
 */
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { stripVTControlCharacters } = require('node:util');

const reasonTag = /\s*\[skipped: ([^\]]+)\]/;
/** The first line of what jest says of a failure: enough to know it by; the whole is above. */
function firstLine(message) {
  return stripVTControlCharacters(message).trim().split('\n', 1)[0];
}

/** What failed in a suite: its tests, or the suite itself where it could not run. */
function failuresOf({ testFilePath, testExecError, testResults }) {
  const suite = path.relative(process.cwd(), testFilePath);
  const tests = testResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => ({
      name: `${suite} › ${fullName}`,
      reason: firstLine(failureMessages[0] ?? ''),
    }));
  return testExecError === undefined
    ? tests
    : [...tests, { name: suite, reason: firstLine(testExecError.message ?? '') }];
}

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
    const failures = results.testResults.flatMap(failuresOf);
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    writeFileSync(
      process.env.TEST_SUMMARY_FILE,
      JSON.stringify({ passed: results.numPassedTests, failed, failures, skipped }),
    );
  }
};
