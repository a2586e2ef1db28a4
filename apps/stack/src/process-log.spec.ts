import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { noteworthy, ProcessLogs } from './process-log';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'switchboard-logs-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['{"level":"info","msg":"ready"}', undefined],
  ['{"level":"warn","msg":"waiting for NATS"}', 'warn: waiting for NATS'],
  ['{"level":"error","msg":"failed","err":{"message":"no space"}}', 'error: failed (no space)'],
  ['{"level":"fatal","msg":"cannot start"}', 'fatal: cannot start'],
  ['{"level":"warn","msg":"not ready","down":{"nats":"not connected"}}', 'warn: not ready (nats: not connected)'],
  ['Error: Cannot find module', 'Error: Cannot find module'],
  ['{ not JSON', '{ not JSON'],
  ['   ', undefined],
])('of %s the terminal gets %s', (line, shown) => {
  expect(noteworthy(line)).toBe(shown);
});

test('lines of a process that speaks plainly are ordinary', () => {
  expect(noteworthy('listening on …', { plain: true })).toBeUndefined();
});

test('while everything starts, what is not ready yet goes without saying; anything else is said', () => {
  const line = '{"level":"warn","msg":"not ready","down":{"nats":"not connected"}}';
  expect(noteworthy(line, { starting: true })).toBeUndefined();
  expect(noteworthy('{"level":"warn","msg":"waiting for NATS"}', { starting: true })).toBe('warn: waiting for NATS');
});

test('what a process writes is in its file, and what matters is shown under its name, in order and once', async () => {
  const shown: string[] = [];
  const logs = new ProcessLogs(folder, (line) => shown.push(line));
  const descriptor = logs.open('edge-api-1');
  writeSync(descriptor, '{"level":"warn","msg":"one"}\n{"level":"info","msg":"quiet"}\n{"level":"er');
  await delay(400);
  writeSync(descriptor, 'ror","msg":"two"}\n');
  await logs.close();
  expect(shown).toEqual(['[edge-api-1] warn: one', '[edge-api-1] error: two']);
  expect(await logs.lastLines('edge-api-1', 1)).toBe('{"level":"error","msg":"two"}');
});

test('the log of the run before is kept beside, and not shown again', async () => {
  const first = new ProcessLogs(folder, () => undefined);
  writeSync(first.open('router'), 'old\n');
  await first.close();
  const shown: string[] = [];
  const second = new ProcessLogs(folder, (line) => shown.push(line));
  writeSync(second.open('router'), 'new\n');
  writeSync(second.open('router'), 'newer\n');
  await second.close();
  expect(shown).toEqual(['[router] new', '[router] newer']);
  expect(readFileSync(path.join(folder, 'router.previous.log'), 'utf8')).toBe('old\n');
});
