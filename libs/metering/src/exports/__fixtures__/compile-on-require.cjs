/** Lets a child process run the sources as they are, as the tests themselves do. */
require('../../../../platform/src/service/__fixtures__/compile-on-require.cjs');
