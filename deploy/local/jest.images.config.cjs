const { projects } = require('../../jest.config.cjs');

/** The suites of `npm run test:images`, which the usual run does not see. */
module.exports = {
  ...projects.find(({ displayName }) => displayName === 'testing'),
  displayName: 'images',
  testRegex: '/images/.*\\.conformance\\.ts$',
};
