import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

jest.setTimeout(30_000);

const FIXTURES = path.join(__dirname, '__fixtures__');
const LIMIT_MS = 10_000;

interface Line {
  level: string;
  time: string;
  msg: string;
  adminUrl?: string;
  heartbeat?: { status: string; checks: object };
  err?: { message: string };
  replies?: number;
}

/** The tiny service as a process of its own. */
class Tiny {
  readonly lines: Line[] = [];
  readonly exited: Promise<number | NodeJS.Signals | null>;
  private readonly child: ChildProcess;
  private rest = '';

  constructor(env: Record<string, string> = {}) {
    const args = ['-r', path.join(FIXTURES, 'compile-on-require.cjs'), path.join(FIXTURES, 'tiny-service.ts')];
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...env }, stdio });
    this.child = child;
    child.stdout.on('data', (text: Buffer) => this.read(text.toString()));
    child.stderr.on('data', (text: Buffer) => this.read(`${text.toString()}\n`));
    this.exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  }

  get texts(): string[] {
    return this.lines.map(({ msg }) => msg);
  }

  /** Written at once: what was logged just before may come after it. */
  get fatal(): Line[] {
    return this.lines.filter(({ level }) => level === 'fatal');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async said(text: string): Promise<Line> {
    return this.line((line) => line.msg === text, text);
  }

  async heartbeatOf(status: string): Promise<Line> {
    return this.line((line) => line.heartbeat?.status === status, `heartbeat: ${status}`);
  }

  async get(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const reply = await fetch(`${(await this.said('starting')).adminUrl}${url}`, { headers: { connection: 'close' } });
    const text = await reply.text();
    return { status: reply.status, body: text.startsWith('{') ? JSON.parse(text) : { text } };
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async line(holds: (line: Line) => boolean, wanted: string): Promise<Line> {
    for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline; await delay(10)) {
      const line = this.lines.find(holds);
      if (line !== undefined) return line;
    }
    throw new Error(`it did not say "${wanted}" but:\n${this.lines.map((line) => JSON.stringify(line)).join('\n')}`);
  }

  /** Every line is to be an entry of the log; what is none stands out in every comparison. */
  private read(text: string): void {
    const lines = `${this.rest}${text}`.split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines.filter(Boolean)) {
      this.lines.push(
        line.startsWith('{') ? (JSON.parse(line) as Line) : { level: 'none', time: '', msg: `no entry: ${line}` },
      );
    }
  }
}

async function eventually(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + LIMIT_MS; !holds(); await delay(10)) {
    if (Date.now() > deadline) throw new Error(`never: ${String(holds)}`);
  }
}

let tiny: Tiny;
afterEach(() => tiny?.kill());

test('the private port answers while the application still waits for what it needs', async () => {
  tiny = new Tiny({ INIT_MS: '1500' });
  await tiny.said('init');
  expect(await tiny.get('/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  expect(await tiny.get('/readyz')).toEqual({ status: 503, body: { status: 'starting', checks: {} } });
  expect((await tiny.get('/metrics')).body['text']).toContain('process_cpu_seconds_total');
  expect((await tiny.get('/api/v1/usage')).status).toBe(503);
  expect(tiny.texts).not.toContain('started');
  await tiny.said('started');
  expect((await tiny.get('/readyz')).body).toMatchObject({ status: 'ready', checks: { dependency: { status: 'up' } } });
  expect((await tiny.get('/api/v1/usage')).status).toBe(404);
  expect((await tiny.get('/metrics')).body['text']).toContain('process_cpu_seconds_total');
  expect(tiny.texts.filter((text) => text === 'init')).toHaveLength(1);
});

test('its metrics say what it is, and for how long it has been ending', async () => {
  tiny = new Tiny({ STOP_MS: '1500' });
  await tiny.said('started');
  const metrics = async (): Promise<string> => String((await tiny.get('/metrics')).body['text']);
  expect(await metrics()).toContain('switchboard_build_info{component="tiny",version="1.2.3"} 1');
  expect(await metrics()).toContain('switchboard_draining_seconds 0\n');
  tiny.signal('SIGTERM');
  await tiny.said('streams end');
  expect(await metrics()).toMatch(/switchboard_draining_seconds 0\.\d/);
});

test('it is not ready while a check fails, and its heartbeat tells as soon as it is', async () => {
  tiny = new Tiny({ UP_AFTER_MS: '3000' });
  await tiny.said('started');
  const { status, body } = await tiny.get('/readyz');
  expect(status).toBe(503);
  expect(body).toMatchObject({ status: 'unavailable', checks: { dependency: { status: 'down', error: 'not yet' } } });
  const first = await tiny.heartbeatOf('unavailable');
  expect(first).toMatchObject({
    key: 'tiny.one',
    heartbeat: { service: 'tiny', instance: 'one', version: '1.2.3', checks: { dependency: { error: 'not yet' } } },
  });
  const second = await tiny.heartbeatOf('ready');
  expect((await tiny.get('/readyz')).status).toBe(200);
  const becameReadyAt = Date.parse((await tiny.said('ready')).time);
  expect(Date.parse(second.time) - becameReadyAt).toBeLessThan(500);
  expect(second.heartbeat?.checks).toEqual({ dependency: { status: 'up', required: true } });
  expect(tiny.texts.filter((text) => /ready/.test(text))).toEqual(['not ready', 'ready']);
});

test('a signal turns readiness off at once, then open streams end, then the heartbeat goes, and it exits with 0', async () => {
  tiny = new Tiny({ GRACE_MS: '700', STOP_MS: '500' });
  await tiny.heartbeatOf('ready');
  tiny.signal('SIGTERM');
  await tiny.said('stopping');
  expect(await tiny.get('/readyz')).toEqual({ status: 503, body: { status: 'draining', checks: {} } });
  expect(tiny.texts).not.toContain('streams end');
  const { heartbeat } = await tiny.heartbeatOf('unavailable');
  expect(heartbeat?.checks).toEqual({ process: { status: 'down', required: true, error: 'draining' } });
  await tiny.said('streams end');
  expect((await tiny.get('/readyz')).body).toMatchObject({ status: 'draining' });
  expect((await tiny.get('/healthz')).status).toBe(200);
  expect(await tiny.exited).toBe(0);
  expect(tiny.texts.slice(tiny.texts.indexOf('streams end'))).toEqual([
    'streams end',
    'application stopped',
    'heartbeat gone',
    'stopped',
  ]);
});

test('one that waits for a dependency has nobody who must notice its end, and ends at once', async () => {
  tiny = new Tiny({ GRACE_MS: '5000', UP_AFTER_MS: '60000' });
  await tiny.heartbeatOf('unavailable');
  const toldAtMs = performance.now();
  tiny.signal('SIGTERM');
  expect(await tiny.exited).toBe(0);
  expect(performance.now() - toldAtMs).toBeLessThan(3_000);
});

test('what is asked before its end is answered whole, and its client told to come back on another connection', async () => {
  tiny = new Tiny({ GRACE_MS: '500', REPLY_MS: '900' });
  const { adminUrl } = await tiny.said('starting');
  await tiny.said('started');
  // Each keeps its connection, for as long as the service does.
  const ask = async () => {
    const reply = await fetch(`${adminUrl}/work`);
    return { status: reply.status, connection: reply.headers.get('connection'), text: await reply.text() };
  };
  expect(await ask()).toEqual({ status: 200, connection: 'keep-alive', text: 'done' });
  const begun = ask();
  await eventually(() => tiny.texts.filter((text) => text === 'work begins').length === 2);
  tiny.signal('SIGTERM');
  await tiny.said('stopping');
  const late = ask();
  expect(await begun).toEqual({ status: 200, connection: 'close', text: 'done' });
  expect(await late).toEqual({ status: 200, connection: 'close', text: 'done' });
  expect(await tiny.exited).toBe(0);
  expect(tiny.texts.lastIndexOf('work ends')).toBeLessThan(tiny.texts.indexOf('streams end'));
});

test('a reply that does not end in time is cut off, and told', async () => {
  tiny = new Tiny({ REPLY_MS: '60000', STOP_LIMIT_MS: '1000' });
  const { adminUrl } = await tiny.said('starting');
  await tiny.said('started');
  const cut = expect(fetch(`${adminUrl}/work`)).rejects.toThrow();
  await tiny.said('work begins');
  tiny.signal('SIGTERM');
  await cut;
  expect(await tiny.exited).toBe(0);
  expect(tiny.lines.find(({ level }) => level === 'warn')).toMatchObject({ msg: 'replies are cut off', replies: 1 });
});

test('a second signal ends it at once with 130', async () => {
  tiny = new Tiny({ STOP_MS: '20000' });
  await tiny.said('started');
  tiny.signal('SIGTERM');
  await tiny.said('streams end');
  tiny.signal('SIGINT');
  expect(await tiny.exited).toBe(130);
});

test('a signal before it stands does not wait for it: it exits with 0', async () => {
  tiny = new Tiny({ INIT_MS: '20000' });
  await tiny.said('init');
  tiny.signal('SIGTERM');
  expect(await tiny.exited).toBe(0);
  expect(tiny.texts.at(-1)).toBe('stopped');
});

test('what does not stop in time is told, and it exits with 1 without a heartbeat left behind', async () => {
  tiny = new Tiny({ STOP_MS: '20000', STOP_LIMIT_MS: '300' });
  await tiny.heartbeatOf('ready');
  tiny.signal('SIGTERM');
  expect(await tiny.exited).toBe(1);
  expect(tiny.fatal).toMatchObject([{ err: { message: 'not stopped within 300 ms' } }]);
  expect(tiny.texts).toContain('heartbeat gone');
});

test.each([
  ['init', 'cannot start: the dependency is of the wrong kind'],
  ['start', 'cannot start: the public port is taken'],
  ['stray', 'a rejection reached the top'],
])('an error in %s is a fatal entry of the log, and it exits with 1', async (part, text) => {
  tiny = new Tiny({ BREAK: part });
  expect(await tiny.exited).toBe(1);
  expect(tiny.fatal).toMatchObject([{ msg: text }]);
  expect(tiny.texts.filter((said) => said.startsWith('no entry'))).toEqual([]);
});

test('a private port in use is named', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  try {
    tiny = new Tiny({ ADMIN_PORT: String(port) });
    expect(await tiny.exited).toBe(1);
    expect(tiny.fatal[0]?.msg).toContain(`127.0.0.1:${port} is in use`);
  } finally {
    taken.close();
  }
});
