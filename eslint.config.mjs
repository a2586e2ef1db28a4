/**
 * The rules of the house, in three parts: how TypeScript is written, which way imports point, and what each kind of
 * folder may touch. `libs/testing/src/boundaries.spec.ts` proves every ban of the last two with an example that fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import eslint from '@eslint/js';
import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const root = import.meta.dirname;

// The boundary rule reads Nx's cached project graph, and passes everything, with only a warning, where there is none
// (a fresh clone) or where it is stale. So the graph is made here, except inside an Nx task, where Nx has just made it.
if (process.env.NX_TASK_TARGET_PROJECT === undefined) {
  process.env.NX_DAEMON ??= 'false';
  await createProjectGraphAsync();
}

/** Tests, the fast-check generators they draw from, and suites that several implementations of one port share. */
const specs = ['**/*.spec.ts', '**/*.arbitrary.ts', '**/*.conformance.ts'];
const sourcesOf = (folders) => folders.map((folder) => `${folder}/src/**/*.ts`);
const pureFolders = foldersTagged('layer:pure');
const featureFolders = foldersTagged('layer:feature');

function foldersTagged(tag) {
  return readdirSync(path.join(root, 'libs'))
    .map((name) => `libs/${name}`)
    .filter((folder) =>
      JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')).nx.tags.includes(tag),
    );
}

// ---------------------------------------------------------------------------------------------- how code is written

const writing = {
  '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/no-unsafe-argument': 'error',
  '@typescript-eslint/no-unsafe-assignment': 'error',
  '@typescript-eslint/no-unsafe-call': 'error',
  '@typescript-eslint/no-unsafe-member-access': 'error',
  '@typescript-eslint/no-unsafe-return': 'error',
  '@typescript-eslint/no-base-to-string': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-promise-reject-errors': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'id-denylist': ['error', 'msg', 'req', 'cfg', 'data2'],
  'max-lines': ['error', { max: 300 }],
  'max-lines-per-function': ['error', { max: 50, skipComments: true }],
  'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'], location: 'anywhere' }],
};

/** Tests may be long, and may take apart what came over a wire. A promise nobody awaits is worse there than anywhere. */
const writingOfSpecs = {
  '@typescript-eslint/no-dynamic-delete': 'off',
  '@typescript-eslint/no-non-null-assertion': 'off',
  '@typescript-eslint/no-unsafe-argument': 'off',
  '@typescript-eslint/no-unsafe-assignment': 'off',
  '@typescript-eslint/no-unsafe-call': 'off',
  '@typescript-eslint/no-unsafe-member-access': 'off',
  '@typescript-eslint/no-unsafe-return': 'off',
  // What comes over a wire has names of its own.
  'id-denylist': 'off',
  'max-lines': 'off',
  'max-lines-per-function': 'off',
};

// --------------------------------------------------------------------------------------------- which way imports point

const layers = (ofSpecs) => [
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: ['layer:feature', 'layer:platform', 'layer:pure', 'layer:simulator', ...ofSpecs],
  },
  { sourceTag: 'layer:feature', onlyDependOnLibsWithTags: ['layer:platform', 'layer:pure', ...ofSpecs] },
  { sourceTag: 'layer:platform', onlyDependOnLibsWithTags: ['layer:pure'] },
  { sourceTag: 'layer:pure', onlyDependOnLibsWithTags: ['layer:pure'] },
  { sourceTag: 'layer:simulator', onlyDependOnLibsWithTags: ['layer:pure'] },
  { sourceTag: 'layer:testing', onlyDependOnLibsWithTags: ['layer:platform', 'layer:pure', 'layer:simulator'] },
  { sourceTag: 'layer:bench', onlyDependOnLibsWithTags: ['layer:simulator', 'layer:pure'] },
];

/** `ofSpecs`: what tests may import beyond what their package may. */
const boundaries = (ofSpecs = []) => ({
  '@nx/enforce-module-boundaries': ['error', { banTransitiveDependencies: true, depConstraints: layers(ofSpecs) }],
});

// ------------------------------------------------------------------------------------ what a kind of folder may touch

const clients = '@prisma/|prisma(/|$)|pg(/|-|$)|i?oredis$|redis$|bullmq$|nats$|@nats-io/|undici(/|$)';
const sockets = '(node:)?(http|https|http2|tls|dgram)$';
/** node:net reads addresses as well as opening sockets. */
const addresses = ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'];

const reached = 'Databases, brokers and sockets are reached from adapters/ only; meet them behind a port.';
const adaptersOnly = [
  { regex: `^(${clients}|${sockets})`, allowTypeImports: true, message: reached },
  { regex: '^(node:)?net$', allowTypeImports: true, allowImportNames: addresses, message: reached },
];
const untouched = 'core/ decides and touches nothing: no database, broker or socket.';
const pureCore = [
  { regex: `^(${clients}|${sockets})`, message: untouched },
  { regex: '^(node:)?net$', allowImportNames: addresses, message: untouched },
  { regex: '(^|/)adapters(/|$)', message: 'core/ owns the ports; adapters depend on it, never the other way.' },
];
const onlyTheModel = {
  regex: '^(?!\\.{1,2}(/|$)|@switchboard/(protocol|contracts|upstreams)$)',
  message: 'Pure libraries import each other and nothing else: no node:*, no framework, no I/O.',
};
const hotPath = [
  { regex: '^(node:)?stream/web$', message: 'Web streams cost an order of magnitude; use node:stream.' },
  {
    regex: '^undici$',
    importNames: ['fetch', 'Request', 'Response', 'Headers', 'FormData'],
    message: 'undici fetch costs nine times its dispatch.',
  },
  {
    regex: '^(node:)?async_hooks$',
    importNames: ['AsyncLocalStorage', 'createHook'],
    message: 'Context travels as a field of the request: AsyncLocalStorage taxes every await.',
  },
];

const restrictedImports = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { patterns: patterns.flat() }],
});
const restrictedGlobals = (names, message) => ({
  'no-restricted-globals': ['error', ...names.map((name) => ({ name, message }))],
});

const worldlyGlobals = restrictedGlobals(
  ['fetch', 'crypto', 'performance', 'process', 'console', 'globalThis', 'global', 'require', 'WebSocket'].concat([
    'setTimeout',
    'setInterval',
    'setImmediate',
    'queueMicrotask',
  ]),
  'Pure libraries have no I/O, no timers, no environment; take the value as an argument.',
);
const clockAndChance = {
  'no-restricted-syntax': [
    'error',
    ...[
      ["MemberExpression[object.name='Date'][property.name='now']", 'the clock'],
      ["NewExpression[callee.name='Date'][arguments.length=0]", 'the clock'],
      ["CallExpression[callee.name='Date']", 'the clock'],
      ["MemberExpression[object.name='Math'][property.name='random']", 'randomness'],
      ['ImportExpression', 'dynamic imports'],
    ].map(([selector, what]) => ({
      selector,
      message: `Pure libraries do not use ${what}; take the value as an argument.`,
    })),
  ],
};
const webStreams = restrictedGlobals(
  ['fetch', 'Request', 'Response', 'Headers', 'ReadableStream', 'WritableStream', 'TransformStream'].concat([
    'TextDecoderStream',
    'TextEncoderStream',
    'CompressionStream',
    'DecompressionStream',
  ]),
  'fetch and web streams cost an order of magnitude; the edge uses undici dispatch and node:stream.',
);

const folderRules = [
  {
    files: sourcesOf(pureFolders),
    rules: { ...restrictedImports(onlyTheModel), ...worldlyGlobals, ...clockAndChance },
  },
  {
    files: sourcesOf(['libs/protocol']),
    rules: restrictedImports({
      ...onlyTheModel,
      regex: '^(?!\\.{1,2}(/|$))',
      message: 'protocol imports nothing at all.',
    }),
  },
  { files: sourcesOf(featureFolders), rules: restrictedImports(adaptersOnly) },
  { files: featureFolders.map((folder) => `${folder}/src/**/core/**/*.ts`), rules: restrictedImports(pureCore) },
  { files: featureFolders.map((folder) => `${folder}/src/**/adapters/**/*.ts`), rules: restrictedImports() },
  { files: sourcesOf(['libs/edge-api']), rules: { ...restrictedImports(adaptersOnly, hotPath), ...webStreams } },
  { files: ['libs/edge-api/src/**/core/**/*.ts'], rules: restrictedImports(pureCore, hotPath) },
  { files: ['libs/edge-api/src/**/adapters/**/*.ts'], rules: restrictedImports(hotPath) },
].map((entry) => ({ ...entry, ignores: specs }));

const nodeGlobals = Object.fromEntries(
  [
    'Buffer',
    'URL',
    'clearInterval',
    'clearTimeout',
    'console',
    'fetch',
    'performance',
    'process',
    'setInterval',
    'setTimeout',
  ].map((name) => [name, 'readonly']),
);

// ------------------------------------------------------------------------------------------------------ the whole of it

export default tseslint.config(
  { ignores: ['**/dist/**', '**/generated/**', '**/__fixtures__/**', '.nx/**', '.cache/**', '**/.switchboard/**'] },
  // There is no switching a rule off from inside a file: a rule that is wrong is changed here, for all.
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    extends: [eslint.configs.recommended],
    languageOptions: {
      globals: nodeGlobals,
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { require: 'readonly', module: 'writable', __dirname: 'readonly' },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [eslint.configs.recommended, tseslint.configs.strict],
    plugins: { '@nx': nx },
    // One program for the whole repository, resolved to sources: half the time of a program per package, and no build.
    languageOptions: { parserOptions: { project: './tsconfig.specs.json', tsconfigRootDir: root } },
    rules: { ...writing, ...boundaries() },
  },
  { files: ['libs/**/*.ts'], rules: { 'no-console': 'error' } },
  { files: specs, rules: { ...writingOfSpecs, ...boundaries(['layer:testing', 'layer:simulator']) } },
  ...folderRules,
);
