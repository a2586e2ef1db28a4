const globals = require('@jest/globals');

/**
 * What talks to real servers and processes on a machine that does much else gets a second try, and the first failure is
 * printed. Pure tests get none: they have nothing to be unlucky with.
 */
if (/\.(int|e2e)\.spec\.ts$/.test(globals.expect.getState().testPath ?? '')) {
  globals.jest.retryTimes(1, { logErrorsBeforeRetry: true });
}
