/**
 * `npm test`: set-up, build, then types of the tests, lint, formatting and a helm side by side, then every test in one jest run.
 * Every step runs even if an earlier one failed. The last line is `N passed, N failed, N skipped`; a step that fails
 * counts as one failed, so that a red run never ends in "0 failed".
 *
 * `npm test -- <arguments of jest>` (`npm test -- libs/protocol/src/sse`): set-up, build and those tests only.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findHelm } from '../chart/helm.mjs';
import { setup } from './setup.mjs';
import { build, command, environment, runNode } from './workspace.mjs';

/** How long jest may take to leave after its last test: a socket or timer left open is a failure, not a hang. */
const leaveWithinMs = 15_000;

const checks = {
  types: ['typescript/bin/tsc', '-p', 'tsconfig.specs.json'],
  lint: ['eslint/bin/eslint.js', '.', '--max-warnings', '0'],
  format: ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
};

/** Says how a step went, and what it printed if it failed. Resolves to whether it passed. */
async function step(name, work) {
  const startedAt = performance.now();
  const { code, output = '' } = await work();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (code !== 0 && output !== '') console.log(output);
  return code === 0;
}

async function check([name, [script, ...args]]) {
  return (await step(name, () => runNode(command(script), args, { capture: true }))) ? [] : [name];
}

/** The charts' tests would run into their time limits while it is fetched, once, and each would say that it is missing. */
async function helm() {
  const found = () =>
    findHelm().then(
      () => ({ code: 0 }),
      (error) => ({ code: 1, output: error.message }),
    );
  return (await step('helm', found)) ? [] : ['helm'];
}

/** Runs jest to its end. `summary` is absent where it never got as far as having one. */
async function jest(args) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'switchboard-test-'));
  const summaryFile = path.join(folder, 'summary.json');
  const reporters = ['--reporters=default', '--reporters=./deploy/local/test-summary.cjs'];
  // Many tests wait on real servers: with two workers two cores are idle for half of the time.
  const workers = `--maxWorkers=${Math.max(3, Math.floor(os.availableParallelism() / 2))}`;
  const defaults = args.some((argument) => /^(--maxWorkers|-w|--runInBand|-i)\b/.test(argument)) ? [] : [workers];
  let left = true;
  const { code } = await runNode(command('jest/bin/jest.js'), [...reporters, ...defaults, ...args], {
    env: { ...environment, TEST_SUMMARY_FILE: summaryFile },
    onStart: (child) => {
      const watch = setInterval(() => {
        if (readSummary(summaryFile) === undefined) return;
        clearInterval(watch);
        const timer = setTimeout(() => {
          left = false;
          child.kill('SIGKILL');
        }, leaveWithinMs);
        child.on('close', () => clearTimeout(timer));
      }, 500);
      child.on('close', () => clearInterval(watch));
    },
  });
  const summary = readSummary(summaryFile);
  rmSync(folder, { recursive: true });
  return { code, summary, left };
}

function readSummary(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Not there yet, or half written.
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * What talks to real servers and processes on a machine that does much else gets a second try: the whole suite anew, with
 * no other beside it. Pure tests get none: they have nothing to be unlucky with. Nor do many at once: that is no bad luck.
 */
const mayHaveBeenUnlucky = /\.(int|e2e)\.spec\.ts$/;
const SECOND_TRIES_MOST = 8;

/** @returns the suites, those that were tried again as they went then. */
async function tryAgain(suites) {
  const failed = suites.filter(({ failures }) => failures.length > 0);
  const again = failed.filter(({ path: suite }) => mayHaveBeenUnlucky.test(suite)).map(({ path: suite }) => suite);
  if (again.length === 0 || failed.length > SECOND_TRIES_MOST) return suites;
  for (const { path: suite, failures } of failed) {
    for (const { name, reason } of failures) console.log(`failed at first: ${suite} › ${name}: ${reason}`);
  }
  console.log(`a second try: ${again.join(', ')}`);
  const { summary } = await jest(['--runInBand', '--runTestsByPath', ...again]);
  if (summary === undefined) return suites;
  return [...suites.filter(({ path: suite }) => !again.includes(suite)), ...summary.suites];
}

function told(suites, kind) {
  return suites.flatMap(({ path: suite, [kind]: tests }) =>
    tests.map(({ name, reason }) => `${suite} › ${name}: ${reason}`),
  );
}

async function main(jestArgs) {
  await step('set-up', async () => ({ code: await setup().then(() => 0) }));
  const failedSteps = (await step('build', build)) ? [] : ['build'];
  if (jestArgs.length === 0)
    failedSteps.push(...(await Promise.all([helm(), ...Object.entries(checks).map(check)])).flat());

  const { code, summary, left } = await jest(jestArgs);
  const suites = await tryAgain(summary?.suites ?? []);
  if (summary === undefined) failedSteps.push('jest (it stopped before the end)');
  else if (!left) failedSteps.push('jest (a test left something open: it did not exit)');
  else if (code !== 0 && told(summary.suites, 'failures').length === 0) failedSteps.push('jest');

  const [failures, skipped] = [told(suites, 'failures'), told(suites, 'skipped')];
  const passed = suites.reduce((sum, suite) => sum + suite.passed, 0);
  console.log('');
  for (const line of skipped) console.log(`skipped: ${line}`);
  for (const line of [...failures, ...failedSteps]) console.log(`failed: ${line}`);
  const failed = failures.length + failedSteps.length;
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
}
