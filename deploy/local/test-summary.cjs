/**
 * A jest reporter that writes what `test.mjs` says at the end, as JSON, to the file named by TEST_SUMMARY_FILE:
 * `{suites: {path, passed, failures: {name, reason}[], skipped: {name, reason}[]}[]}`. A suite that could not run counts as
 * one failed test.
 *
 * A test that cannot run here says why in its title: `it.skip('… [skipped: needs taskset]')`, or in a `describe` around it.
 */
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { stripVTControlCharacters } = require('node:util');

const reasonTag = /\s*\[skipped: ([^\]]+)\]/;

/** Of what jest says of a failure: enough to know it by; the whole is above. */
function firstLine(message) {
  return stripVTControlCharacters(message).trim().split('\n', 1)[0];
}

function skippedTest({ fullName, status }) {
  const untold = status === 'todo' ? 'not written yet' : 'no reason given';
  return { name: fullName.replace(reasonTag, ''), reason: reasonTag.exec(fullName)?.[1] ?? untold };
}

function failedTest({ fullName, failureMessages }) {
  return { name: fullName, reason: firstLine(failureMessages[0] ?? '') };
}

function suiteOf({ testFilePath, testExecError, testResults }) {
  const withStatus = (...wanted) => testResults.filter(({ status }) => wanted.includes(status));
  const unrun =
    testExecError === undefined ? [] : [{ name: 'the suite', reason: firstLine(testExecError.message ?? '') }];
  return {
    path: path.relative(process.cwd(), testFilePath),
    passed: withStatus('passed').length,
    failures: [...withStatus('failed').map(failedTest), ...unrun],
    skipped: testResults.filter(({ status }) => status !== 'passed' && status !== 'failed').map(skippedTest),
  };
}

module.exports = class TestSummary {
  onRunComplete(_contexts, results) {
    writeFileSync(process.env.TEST_SUMMARY_FILE, JSON.stringify({ suites: results.testResults.map(suiteOf) }));
  }
};
