import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { findServer, launchServer, type Logger } from '@switchboard/platform';

const run = promisify(execFile);

export interface ScrapeTarget {
  /** The label `job`. */
  job: string;
  /** `127.0.0.1:9090`. */
  address: string;
}

export interface Sample {
  metric: Record<string, string>;
  value: number;
}

export interface RunningPrometheus {
  /** At this moment. Rejects, with Prometheus' own words, where it is no query. */
  query(expr: string): Promise<Sample[]>;
  stop(): Promise<void>;
}

interface Answer {
  error?: string;
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

/** A Prometheus of this machine that scrapes these targets every second; its data goes with `folder`. */
export async function startPrometheus(options: {
  folder: string;
  targets: readonly ScrapeTarget[];
  log: Logger;
}): Promise<RunningPrometheus> {
  const { folder, targets, log } = options;
  const program = await findServer('prometheus', { log });
  const home = path.join(folder, 'prometheus');
  mkdirSync(home, { recursive: true });
  const config = path.join(home, 'prometheus.json');
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(scraping(targets)));
  const server = await launchServer(
    {
      ...{ name: 'prometheus', scheme: 'http', program, folder: home },
      args: (port) => [
        `--config.file=${config}`,
        `--storage.tsdb.path=${path.join(home, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      greeting: { say: 'GET /-/ready HTTP/1.0\r\n\r\n', hear: 'HTTP/1.0 200' },
      portTaken: /address already in use/i,
    },
    { folder, log },
  );
  return { query: (expr) => query(server.url, expr), stop: () => server.stop() };
}

/** What promtool says of these arguments. Rejects with its words where it finds fault. */
export async function promtool(args: readonly string[], { log, cwd }: { log: Logger; cwd: string }): Promise<string> {
  const { path: program, env } = await findServer('promtool', { log });
  try {
    return (await run(program, args, { cwd, env: { ...process.env, ...env } })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(' ')}:\n${stdout}\n${stderr}`, { cause: error });
  }
}

function scraping(targets: readonly ScrapeTarget[]): object {
  const jobs = [...new Set(targets.map(({ job }) => job))];
  const addressesOf = (name: string): string[] =>
    targets.flatMap(({ job, address }) => (job === name ? [address] : []));
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: jobs.map((job) => ({ job_name: job, static_configs: [{ targets: addressesOf(job) }] })),
  };
}

async function query(url: string, expr: string): Promise<Sample[]> {
  const body = new URLSearchParams({ query: expr });
  const reply = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
  const { data, error } = (await reply.json()) as Answer;
  if (!reply.ok) throw new Error(`${expr}: ${error}`);
  return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}
