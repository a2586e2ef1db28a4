const { readdirSync, existsSync } = require('node:fs');
const path = require('node:path');

/** One jest project per workspace folder: `jest --selectProjects protocol`. Sources run as they are, compiled by swc. */
const folders = [
  ...['libs', 'apps'].flatMap((parent) => readdirSync(path.join(__dirname, parent)).map((name) => `${parent}/${name}`)),
  'bench',
].filter((folder) => existsSync(path.join(__dirname, folder, 'src')));

/** An app and the feature library it runs have one name: the app's tests are `app-<name>`. */
function displayName(folder) {
  const name = path.basename(folder);
  return folder.startsWith('apps/') && folders.includes(`libs/${name}`) ? `app-${name}` : name;
}

module.exports = {
  projects: folders.map((folder) => ({
    displayName: displayName(folder),
    rootDir: __dirname,
    roots: [`<rootDir>/${folder}/src`],
    testEnvironment: 'node',
    setupFilesAfterEnv: ['<rootDir>/deploy/local/test-patience.cjs'],
    testRegex: '\\.spec\\.ts$',
    moduleNameMapper: {
      '^@switchboard/(simulator|standalone)$': '<rootDir>/apps/$1/src/index.ts',
      '^@switchboard/([^/]+)$': '<rootDir>/libs/$1/src/index.ts',
      '^@switchboard/([^/]+)/client$': '<rootDir>/libs/$1/src/client.ts',
      '^@switchboard/platform/process-identity$': '<rootDir>/libs/platform/src/lifecycle/process-identity.ts',
    },
    transform: {
      '\\.ts$': [
        '@swc/jest',
        {
          jsc: {
            target: 'es2023',
            parser: { syntax: 'typescript', decorators: true },
            transform: { legacyDecorator: true, decoratorMetadata: true },
          },
          module: { type: 'commonjs' },
        },
      ],
    },
  })),
};
