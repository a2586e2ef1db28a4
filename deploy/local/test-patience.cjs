const globals = require('@jest/globals');

/** A test that hangs is found out all the same; one on a machine that does much else is not taken for one. */
globals.jest.setTimeout(30_000);
