/**
 * Preloaded (`node --require`) into the services: notes every statement that they send to Postgres, once per process, in a
 * file of its own below STATEMENTS_FOLDER, a JSON object per line.
 */
const { appendFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const folder = process.env.STATEMENTS_FOLDER;
const file = folder && path.join(folder, `${process.pid}-${Date.now()}.jsonl`);
const seen = new Set();
const load = Module._load;
let patched;

function note(query) {
  const { name, text } = typeof query === 'string' ? { text: query } : query;
  if (typeof text !== 'string' || seen.has(text)) return;
  seen.add(text);
  appendFileSync(file, `${JSON.stringify({ name, text })}\n`);
}

Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request !== 'pg' || file === undefined || patched === loaded) return loaded;
  patched = loaded;
  const { query } = loaded.Client.prototype;
  loaded.Client.prototype.query = function (...args) {
    // Migrations are no statements of a release: they are how one becomes the next.
    if (args[0] && this.connectionParameters.application_name !== 'switchboard-migrate') note(args[0]);
    return query.apply(this, args);
  };
  return loaded;
};
