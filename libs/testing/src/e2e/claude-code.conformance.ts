import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installClaudeCode, runClaudeCode, type ClaudeCodeRun } from './claude-code';
import { KEY } from './gateway-config';
import { describeWith } from './installed-client.conformance';
import { modelId, UPSTREAMS, type TwoUpstreams, type Upstream } from './two-upstreams';

/** One pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
interface Case {
  upstream: Upstream;
  basePath: string;
}
type Task = 'hi' | 'loop';

/** A run is one process at full load: more at a time would only wait for each other. */
const LANES = 2;
const TEST_LIMIT_MS = 5 * 60_000;

const installation = installClaudeCode();

/** What every form of the gateway owes Claude Code, through each of these paths of its base URL. */
export function describeClaudeCode(start: () => Promise<TwoUpstreams>, basePaths: readonly string[]): void {
  const cases = UPSTREAMS.flatMap((upstream) =>
    basePaths.map((basePath) => ({ upstream, basePath, title: `${basePath || '/'} on the ${upstream} upstream` })),
  );

  describeWith(installation, 'Claude Code', () => {
    let runs: Runs;
    beforeAll(async () => {
      runs = new Runs(await start());
      runs.startAll(cases);
    }, 120_000);
    afterAll(() => runs?.stop(), TEST_LIMIT_MS);

    it.each(cases)(
      'answers through $title, in one request',
      async (one) => {
        const { result, requests } = await runs.outcomeOf('hi', one);
        expect(result).toBe('Hi from the Switchboard simulator. You wrote: say hi');
        expect(requests).toEqual([{ bashOutput: false, image: false }]);
      },
      TEST_LIMIT_MS,
    );

    it.each(cases)(
      'runs Bash, then shows the model the image that it reads, through $title',
      async (one) => {
        const { result, requests } = await runs.outcomeOf('loop', one);
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
}

class Runs {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'switchboard-claude-code-'));
  private readonly runs = new Map<string, Promise<ClaudeCodeRun>>();

  constructor(private readonly world: TwoUpstreams) {}

  /** Every run of every test, a few at a time, in the order of the tests. */
  startAll(cases: readonly Case[]): void {
    const lanes = Array.from({ length: LANES }, (): Promise<unknown> => Promise.resolve());
    (['hi', 'loop'] as const).forEach((task) =>
      cases.forEach((one, at) => {
        const run = (lanes[at % LANES] ?? Promise.resolve()).then(() => this.start(task, one));
        lanes[at % LANES] = run;
        this.runs.set(this.folderOf(task, one), run);
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.runs.values());
    await this.world.stop();
    rmSync(this.folder, { recursive: true, maxRetries: 3 });
  }

  /** What Claude Code printed, and what its requests held when they reached the simulator. */
  async outcomeOf(
    task: Task,
    one: Case,
  ): Promise<{ result: string; requests: { bashOutput: boolean; image: boolean }[] }> {
    const own = this.folderOf(task, one);
    const run = await this.runs.get(own);
    expect({ code: run?.code, stderr: run?.code === 0 ? '' : run?.stderr, stdout: run?.stdout }).toEqual({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('"is_error":false'),
    });
    const { result } = JSON.parse(run?.stdout ?? '') as { result: string };
    const bodies = this.world.simulator.received(200).map(({ body }) => JSON.stringify(body));
    // It tells the model its working folder, which tells the runs apart.
    const requests = bodies
      .filter((body) => body.includes(own))
      .map((body) => ({ bashOutput: body.includes('switchboard-42'), image: body.includes(PNG.toString('base64')) }));
    return { result, requests };
  }

  private start(task: Task, one: Case): Promise<ClaudeCodeRun> {
    if (!installation.ok) throw new Error(installation.reason);
    const own = this.folderOf(task, one);
    const image = path.join(own, 'pixel.png');
    mkdirSync(own);
    writeFileSync(image, PNG);
    const loop = `[[tool:Bash {"command":"echo switchboard-$((40+2))"}]] [[tool:Read {"file_path":"${image}"}]]`;
    return runClaudeCode({
      binary: installation.binary,
      prompt: task === 'hi' ? 'say hi' : loop,
      model: modelId(one.upstream),
      baseUrl: this.world.gateway.url + one.basePath,
      authToken: KEY,
      folder: own,
      ...(task === 'loop' && { allowedTools: ['Bash', 'Read'] }),
    });
  }

  /** No name begins another: bodies are told apart by it. */
  private folderOf(task: Task, { upstream, basePath }: Case): string {
    return path.join(this.folder, `${task}-${upstream}-${basePath.replaceAll('/', '_')}-run`);
  }
}
