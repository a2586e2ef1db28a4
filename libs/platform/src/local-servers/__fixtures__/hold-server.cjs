// A process that runs a server, for tests that end one: node hold-server.cjs <redis|nats> <folder>. Prints the server's
// pid and port, then waits; on a line of input it exits by itself.
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

const { createLogger } = require('../../logging/logger.ts');
const { startNats } = require('../nats.ts');
const { startRedis } = require('../redis.ts');

async function main(kind, folder) {
  const start = kind === 'redis' ? startRedis : startNats;
  const { pid, port } = await start({ folder, log: createLogger({ level: 'silent', name: 'held' }) });
  console.log(JSON.stringify({ pid, port }));
  process.stdin.once('data', () => process.exit(0));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
