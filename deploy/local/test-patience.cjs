const globals = require('@jest/globals');

/** A test that hangs is found out all the same; one on a machine that does much else is not taken for one. */
globals.jest.setTimeout(30_000);

/**
 * What talks to real servers and processes on a machine that does much else gets a second try, and the first failure is
 * printed. Pure tests get none: they have nothing to be unlucky with.
 */
if (/\.(int|e2e)\.spec\.ts$/.test(globals.expect.getState().testPath ?? '')) {
  globals.jest.retryTimes(1, { logErrorsBeforeRetry: true });
}
