/** A service: ready READY_MS after its start, tells its pid, and at SIGTERM goes on for DRAIN_MS. */
const { createServer } = require('node:http');

const { ADMIN_PORT, READY_MS = '0', DRAIN_MS = '0', FAIL } = process.env;
if (FAIL !== undefined) {
  console.error(FAIL);
  process.exit(1);
}
const readyAt = Date.now() + Number(READY_MS);
const server = createServer((request, response) => {
  response.statusCode = Date.now() >= readyAt ? 200 : 503;
  response.end(String(process.pid));
});
server.listen(Number(ADMIN_PORT), '127.0.0.1');
process.on('SIGTERM', () => setTimeout(() => process.exit(0), Number(DRAIN_MS)));
