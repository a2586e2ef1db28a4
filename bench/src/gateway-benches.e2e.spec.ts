import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** At the bare proxy, which starts at once; what they measure at the gateway is the same. */
const benches = {
  latency: ['--quick', '--rounds', '1', '--subject', 'bare-proxy'],
  streams: ['--quick', '--streams', '20', '--subject', 'bare-proxy'],
  'long-prompts': ['--quick', '--rate', '30', '--subject', 'bare-proxy'],
  soak: ['--quick', '--load', '1', '--subject', 'bare-proxy'],
  budget: ['--quick', '--only', 'chat → chat, 1 KB, 100', '--subject', 'bare-proxy'],
};
type Bench = keyof typeof benches;

const run = (name: Bench, args: readonly string[]) =>
  promisify(execFile)(process.execPath, [path.resolve(__dirname, `../dist/${name}-main.js`), ...args]);

const output = {} as Record<Bench, string>;

beforeAll(async () => {
  const names = Object.keys(benches) as Bench[];
  const runs = await Promise.all(names.map((name) => run(name, benches[name])));
  names.forEach((name, index) => (output[name] = runs[index]!.stdout));
}, 60_000);

test('bench:latency tells what is added to replies and to first tokens', () => {
  expect(output.latency).toMatch(/^\| whole replies +\| direct +\| [\d.]+ +\| [+−][\d.]+ /m);
  expect(output.latency).toMatch(/^\| first token of streams +\| direct +\| [\d.]+ /m);
});

test('bench:streams tells how late chunks come, and loses none', () => {
  expect(output.streams).toMatch(/^\| direct +\| \d+ +\| [\d.]+ /m);
  expect(output.streams).toMatch(/^\| bare-proxy +\| \d+ +\| [\d.]+ .*\| [\d.]+ +\| (\d+ %|n\/a) +\|/m);
});

test('bench:long-prompts tells what a core carries', () => {
  expect(output['long-prompts']).toMatch(/^\| bare-proxy +\| \d+ +\| [\d.]+ +\| \d+ +\| \d+ /m);
});

test('bench:soak tells how memory and latency went', () => {
  expect(output.soak).toMatch(/^- RSS: -?[\d.]+ MB\/h fitted/m);
  expect(output.soak).toMatch(/^\| [\d.]+ +\| \d+ +\| [\d.]+ /m);
});

test('bench:budget tells where the time goes', () => {
  expect(output.budget).toMatch(/^\| node:http, both ways +\| [\d.]+ /m);
  expect(output.budget).toMatch(/^\| CPU without a profiler, all threads +\| [\d.]+ /m);
});

test('they say what they take when asked for something else', async () => {
  const refused = run('soak', ['--minutes', 'long']);
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('npm run bench:soak -- ') });
}, 20_000);
