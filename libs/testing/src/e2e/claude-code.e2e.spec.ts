import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installClaudeCode, runClaudeCode, type ClaudeCodeRun } from './claude-code';
import { KEY } from './gateway-config';
import { modelId, startTwoUpstreams, UPSTREAMS, type TwoUpstreams } from './two-upstreams';

/** One pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** Claude Code adds `/v1/messages`, so that the last of these asks for `/v1/v1/messages`. */
const BASE_PATHS = ['', '/anthropic', '/api/anthropic/v1'];
const CASES = UPSTREAMS.flatMap((upstream) =>
  BASE_PATHS.map((basePath) => ({ upstream, basePath, title: `${basePath || '/'} on the ${upstream} upstream` })),
);
type Case = (typeof CASES)[number];

/** A run is one process at full load: more at a time would only wait for each other. */
const LANES = 2;
const TEST_LIMIT_MS = 5 * 60_000;

const installation = installClaudeCode();

let world: TwoUpstreams;
let folder: string;
const runs = new Map<string, Promise<ClaudeCodeRun>>();

describeIf('Claude Code', () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'switchboard-claude-code-'));
    world = await startTwoUpstreams();
    startAll();
  }, 90_000);
  afterAll(async () => {
    await Promise.all(runs.values());
    await world.stop();
    rmSync(folder, { recursive: true, maxRetries: 3 });
  }, TEST_LIMIT_MS);

  it.each(CASES)(
    'answers through $title, in one request',
    async (one) => {
      const { result, requests } = await outcomeOf('hi', one);
      expect(result).toBe('Hi from the Switchboard simulator. You wrote: say hi');
      expect(requests).toEqual([{ bashOutput: false, image: false }]);
    },
    TEST_LIMIT_MS,
  );

  it.each(CASES)(
    'runs Bash, then shows the model the image that it reads, through $title',
    async (one) => {
      const { result, requests } = await outcomeOf('loop', one);
      expect(result).toContain(`I see 1 image (image/png, ${PNG.length} bytes).`);
      // One request for each call and one for the answer: nothing was refused, repeated or sent again without a stream.
      expect(requests).toEqual([
        { bashOutput: false, image: false },
        { bashOutput: true, image: false },
        { bashOutput: true, image: true },
      ]);
    },
    TEST_LIMIT_MS,
  );
});

/** Every run of every test, a few at a time, in the order of the tests. */
function startAll(): void {
  const lanes = Array.from({ length: LANES }, (): Promise<unknown> => Promise.resolve());
  (['hi', 'loop'] as const).forEach((task) =>
    CASES.forEach((one, at) => {
      const run = (lanes[at % LANES] ?? Promise.resolve()).then(() => start(task, one));
      lanes[at % LANES] = run;
      runs.set(folderOf(task, one), run);
    }),
  );
}

function start(task: 'hi' | 'loop', one: Case): Promise<ClaudeCodeRun> {
  if (!installation.ok) throw new Error(installation.reason);
  const own = folderOf(task, one);
  const image = path.join(own, 'pixel.png');
  mkdirSync(own);
  writeFileSync(image, PNG);
  const loop = `[[tool:Bash {"command":"echo switchboard-$((40+2))"}]] [[tool:Read {"file_path":"${image}"}]]`;
  return runClaudeCode({
    binary: installation.binary,
    prompt: task === 'hi' ? 'say hi' : loop,
    model: modelId(one.upstream),
    baseUrl: world.gateway.url + one.basePath,
    authToken: KEY,
    folder: own,
    ...(task === 'loop' && { allowedTools: ['Bash', 'Read'] }),
  });
}

/** What Claude Code printed, and what its requests held when they reached the simulator. */
async function outcomeOf(
  task: 'hi' | 'loop',
  one: Case,
): Promise<{ result: string; requests: { bashOutput: boolean; image: boolean }[] }> {
  const own = folderOf(task, one);
  const run = await runs.get(own);
  expect({ code: run?.code, stderr: run?.code === 0 ? '' : run?.stderr, stdout: run?.stdout }).toEqual({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('"is_error":false'),
  });
  const { result } = JSON.parse(run?.stdout ?? '') as { result: string };
  const bodies = world.simulator.received(200).map(({ body }) => JSON.stringify(body));
  // It tells the model its working folder, which tells the runs apart.
  const requests = bodies
    .filter((body) => body.includes(own))
    .map((body) => ({ bashOutput: body.includes('switchboard-42'), image: body.includes(PNG.toString('base64')) }));
  return { result, requests };
}

function folderOf(task: string, { upstream, basePath }: Case): string {
  return path.join(folder, `${task}-${upstream}-${BASE_PATHS.indexOf(basePath)}`);
}

function describeIf(title: string, tests: () => void): void {
  if (installation.ok) return describe(title, tests);
  // Jest does not list the tests of a suite in which nothing runs.
  process.stderr.write(`skipped: ${title}: ${installation.reason}\n`);
  describe.skip(`${title} [skipped: ${installation.reason}]`, tests);
}
