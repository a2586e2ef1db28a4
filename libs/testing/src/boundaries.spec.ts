import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '../../..');

interface Snippet {
  filePath: string;
  code: string;
}

/** Ids of the rules each snippet breaks, in the order of the snippets. */
function lint(snippets: readonly Snippet[], ...flags: string[]): string[][] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [path.join(__dirname, 'lint-snippets.mjs'), ...flags],
    {
      input: JSON.stringify(snippets),
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  // Nx may warn on stdout before the report.
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as string[][];
}

const layering = '@nx/enforce-module-boundaries';
const imports = '@typescript-eslint/no-restricted-imports';
const globals = 'no-restricted-globals';
const syntax = 'no-restricted-syntax';

/** What is banned, the rule that must say so, where the example stands, and the example. */
const banned: [what: string, rule: string, filePath: string, code: string][] = [
  ['protocol imports contracts', layering, 'libs/protocol/src/x.ts', "export * from '@switchboard/contracts';"],
  ['contracts import platform', layering, 'libs/contracts/src/x.ts', "export * from '@switchboard/platform';"],
  ['platform imports a feature', layering, 'libs/platform/src/x.ts', "export * from '@switchboard/metering';"],
  ['a feature imports a feature', layering, 'libs/edge-api/src/x.ts', "export * from '@switchboard/metering';"],
  [
    'a feature imports a feature’s client',
    layering,
    'libs/edge-api/src/x.ts',
    "export * from '@switchboard/metering/client';",
  ],
  ['a feature imports an app', layering, 'libs/admin-api/src/x.ts', "export * from '@switchboard/standalone';"],
  ['a feature imports the test servers', layering, 'libs/metering/src/x.ts', "export * from '@switchboard/testing';"],
  ['a feature imports the simulator', layering, 'libs/edge-api/src/x.ts', "export * from '@switchboard/simulator';"],
  ['the simulator imports a feature', layering, 'apps/simulator/src/x.ts', "export * from '@switchboard/edge-api';"],
  ['the simulator imports platform', layering, 'apps/simulator/src/x.ts', "export * from '@switchboard/platform';"],
  ['an app imports the test servers', layering, 'apps/standalone/src/x.ts', "export * from '@switchboard/testing';"],
  ['the test servers import a feature', layering, 'libs/testing/src/x.ts', "export * from '@switchboard/edge-api';"],
  ['the benchmark imports a feature', layering, 'bench/src/x.ts', "export * from '@switchboard/edge-api';"],
  [
    'a test of a feature imports a feature',
    layering,
    'libs/edge-api/src/x.spec.ts',
    "export * from '@switchboard/metering';",
  ],
  [
    'a package is entered by a relative path',
    layering,
    'libs/edge-api/src/x.ts',
    "export * from '../../protocol/src/loss';",
  ],
  ['a package nobody declared', layering, 'libs/edge-api/src/x.ts', "export * from 'prom-client';"],

  ['protocol imports a Node module', imports, 'libs/protocol/src/x.ts', "export * from 'node:crypto';"],
  ['protocol imports a bare Node module', imports, 'libs/protocol/src/sse/x.ts', "export * from 'fs';"],
  ['protocol imports a package', imports, 'libs/protocol/src/x.ts', "export * from 'zod';"],
  ['contracts import Nest', imports, 'libs/contracts/src/x.ts', "export * from '@nestjs/common';"],
  [
    'contracts import an I/O library',
    imports,
    'libs/contracts/src/x.ts',
    "import type { Pool } from 'pg'; export type X = Pool;",
  ],
  ['protocol loads a module at run time', syntax, 'libs/protocol/src/x.ts', "export const x = import('zod');"],
  ['protocol requires a module', globals, 'libs/protocol/src/x.ts', "export const x: unknown = require('fs');"],
  ['protocol reads the clock', syntax, 'libs/protocol/src/x.ts', 'export const x = Date.now();'],
  ['protocol makes a date of now', syntax, 'libs/protocol/src/x.ts', 'export const x = new Date();'],
  ['contracts write the date of now', syntax, 'libs/contracts/src/x.ts', 'export const x = Date();'],
  ['contracts throw dice', syntax, 'libs/contracts/src/x.ts', 'export const x = Math.random();'],
  ['protocol measures time', globals, 'libs/protocol/src/x.ts', 'export const x = performance.now();'],
  ['protocol reads the environment', globals, 'libs/protocol/src/x.ts', 'export const x = process.env;'],
  ['protocol sets a timer', globals, 'libs/protocol/src/x.ts', 'setTimeout(() => undefined, 1);'],
  ['contracts fetch', globals, 'libs/contracts/src/x.ts', "export const x = fetch('http://127.0.0.1');"],
  ['contracts draw random bytes', globals, 'libs/contracts/src/x.ts', 'export const x = crypto.randomUUID();'],
  [
    'protocol reaches a global by its long name',
    globals,
    'libs/protocol/src/x.ts',
    'export const x = globalThis.process;',
  ],

  ['core imports its adapters', imports, 'libs/metering/src/core/x.ts', "export * from '../adapters/y';"],
  [
    'nested core imports its adapters',
    imports,
    'libs/edge-api/src/core/plan/x.ts',
    "export * from '../../adapters/y';",
  ],
  ['core imports Prisma', imports, 'libs/metering/src/core/x.ts', "export * from '@prisma/client';"],
  [
    'core imports pg, if only its types',
    imports,
    'libs/metering/src/core/x.ts',
    "import type { Pool } from 'pg'; export type X = Pool;",
  ],
  ['core imports Redis', imports, 'libs/metering/src/core/x.ts', "export * from 'ioredis';"],
  ['core imports NATS', imports, 'libs/metering/src/core/x.ts', "export * from 'nats';"],
  ['core imports undici', imports, 'libs/edge-api/src/core/x.ts', "export * from 'undici';"],
  ['core imports sockets', imports, 'libs/edge-api/src/core/x.ts', "export * from 'node:http';"],
  ['core opens a socket', imports, 'libs/edge-api/src/core/x.ts', "export { connect } from 'node:net';"],
  ['a controller opens a socket', imports, 'libs/edge-api/src/x.ts', "export { createServer } from 'node:net';"],
  ['a module beside the adapters imports Prisma', imports, 'libs/metering/src/x.ts', "export * from '@prisma/client';"],
  ['a controller opens Postgres', imports, 'libs/admin-api/src/x.ts', "export * from 'pg';"],
  ['a controller dispatches', imports, 'libs/edge-api/src/x.ts', "export * from 'undici';"],

  ['the edge fetches', globals, 'libs/edge-api/src/x.ts', "export const x = fetch('http://127.0.0.1');"],
  [
    'an adapter of the edge fetches',
    globals,
    'libs/edge-api/src/adapters/x.ts',
    "export const x = fetch('http://127.0.0.1');",
  ],
  ['the edge fetches through undici', imports, 'libs/edge-api/src/adapters/x.ts', "export { fetch } from 'undici';"],
  ['the edge builds a web stream', globals, 'libs/edge-api/src/x.ts', 'export const x = new ReadableStream();'],
  ['the edge imports web streams', imports, 'libs/edge-api/src/adapters/x.ts', "export * from 'node:stream/web';"],
  [
    'the edge keeps async context',
    imports,
    'libs/edge-api/src/x.ts',
    "export { AsyncLocalStorage } from 'node:async_hooks';",
  ],
  [
    'core of the edge keeps async context',
    imports,
    'libs/edge-api/src/core/x.ts',
    "export { AsyncLocalStorage } from 'async_hooks';",
  ],

  ['any', '@typescript-eslint/no-explicit-any', 'libs/platform/src/x.ts', 'export const x: any = 1;'],
  ['a swallowed error', 'no-empty', 'libs/platform/src/x.ts', 'export function x() { try { x(); } catch {} }'],
  ['a library writes to the console', 'no-console', 'libs/platform/src/x.ts', "console.log('x');"],
  ['a note to do it later', 'no-warning-comments', 'libs/platform/src/x.ts', '// TODO later\nexport const x = 1;'],
  ['a vague name', 'id-denylist', 'libs/platform/src/x.ts', 'export const cfg = 1;'],
  ['a file of 301 lines', 'max-lines', 'libs/platform/src/x.ts', 'export {};\n'.repeat(301)],
  [
    'a function of 51 lines',
    'max-lines-per-function',
    'libs/platform/src/x.ts',
    `export function x() {${'\n'.repeat(50)}}`,
  ],
  [
    'a rule switched off from inside',
    '@typescript-eslint/no-explicit-any',
    'libs/platform/src/x.ts',
    '/* eslint-disable */\nexport const x: any = 1;',
  ],
];

/** What stays allowed, so that a ban which bans everything does not pass for one that works. */
const allowed: [what: string, filePath: string, code: string][] = [
  ['contracts import protocol', 'libs/contracts/src/x.ts', "export * from '@switchboard/protocol';"],
  ['protocol imports its neighbours', 'libs/protocol/src/sse/x.ts', "export * from '../loss';"],
  ['protocol dates a given instant', 'libs/protocol/src/x.ts', 'export const x = (ms: number) => new Date(ms);'],
  [
    'a feature imports platform and the pure',
    'libs/edge-api/src/x.ts',
    "export * from '@switchboard/platform';\nexport * from '@switchboard/protocol';",
  ],
  ['core reads an address', 'libs/edge-api/src/core/x.ts', "export { BlockList, isIPv4 } from 'node:net';"],
  ['an adapter imports its client', 'libs/edge-api/src/adapters/x.ts', "export { Pool } from 'undici';"],
  [
    'a controller names the type of a socket',
    'libs/edge-api/src/x.ts',
    "export type { ServerResponse } from 'node:http';",
  ],
  [
    'a test of a feature starts real servers',
    'libs/edge-api/src/x.spec.ts',
    "export * from '@switchboard/testing';\nexport * from 'node:http';",
  ],
  [
    'a test of the pure reads files',
    'libs/protocol/src/x.spec.ts',
    "export * from 'node:fs';\nexport * from 'fast-check';",
  ],
  ['standalone starts the simulator', 'apps/standalone/src/x.ts', "export * from '@switchboard/simulator';"],
  ['the test servers start the simulator', 'libs/testing/src/x.ts', "export * from '@switchboard/simulator';"],
  ['the benchmark starts the simulator', 'bench/src/x.ts', "export * from '@switchboard/simulator';"],
  ['a file of 300 lines', 'libs/platform/src/x.ts', 'export {};\n'.repeat(300)],
];

describe('lint refuses', () => {
  let reports: string[][];
  beforeAll(() => {
    reports = lint(banned.map(([, , filePath, code]) => ({ filePath, code })));
  }, 60_000);

  it.each(banned.map(([what, rule], index) => ({ what, rule, index })))('$what', ({ rule, index }) => {
    expect(reports[index]).toContain(rule);
  });

  it('a promise nobody awaits', () => {
    const code = 'export function x(work: () => Promise<void>): void {\n  work();\n}\n';
    const [report] = lint([{ filePath: 'libs/contracts/src/money.ts', code }], '--types');
    expect(report).toEqual(['@typescript-eslint/no-floating-promises']);
  }, 60_000);
});

describe('lint accepts', () => {
  let reports: string[][];
  beforeAll(() => {
    reports = lint(allowed.map(([, filePath, code]) => ({ filePath, code })));
  }, 60_000);

  it.each(allowed.map(([what], index) => ({ what, index })))('$what', ({ index }) => {
    expect(reports[index]).toEqual([]);
  });
});

describe('the tree', () => {
  const folders = ['apps', 'libs', 'bench', 'deploy', 'prisma'].flatMap(foldersBelow);

  it('is where the test looks', () => {
    expect(folders).toContain('libs/protocol/src');
  });

  it('has no folder named after nothing', () => {
    expect(folders.filter((folder) => /^(utils?|commons?|helpers?|shared)$/.test(path.basename(folder)))).toEqual([]);
  });
});

/** Every folder of ours below, relative to the root. */
function foldersBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['node_modules', 'dist', 'generated'].includes(entry.name))
    .flatMap((entry) => [`${folder}/${entry.name}`, ...foldersBelow(`${folder}/${entry.name}`)]);
}
