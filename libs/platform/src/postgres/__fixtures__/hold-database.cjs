// A gateway in small, for tests that kill one: node hold-database.cjs <dataDir>. Prints its database's URL, then waits.
const Module = require('node:module');
const { transformFileSync } = require('@swc/core');

Module._extensions['.ts'] = (module, file) =>
  module._compile(
    transformFileSync(file, {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'commonjs' },
      swcrc: false,
    }).code,
    file,
  );

const { lockDataDir } = require('../../lifecycle/data-dir-lock.ts');
const { createLogger } = require('../../logging/logger.ts');
const { startEmbeddedPostgres } = require('../embedded.ts');

async function main(dataDir) {
  await lockDataDir(dataDir);
  const { url } = await startEmbeddedPostgres({ dataDir, log: createLogger({ level: 'silent', name: 'held' }) });
  console.log(url);
  setInterval(() => undefined, 60_000);
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
