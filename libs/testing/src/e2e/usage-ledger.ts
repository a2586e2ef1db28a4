import { setTimeout as delay } from 'node:timers/promises';
import type { RunningGateway } from '../gateway';
import { send } from './http-exchange';

/** A record as the admin API shows it; the fields the tests read. */
export interface UsageRecord {
  requestId: string;
  tenant: string;
  key: string;
  requestedModel: string;
  model: string;
  upstream: string;
  clientDialect: string;
  upstreamDialect: string;
  stream: boolean;
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanoUsd: string;
  accuracy: string;
  firstTokenMs: number | null;
  attempts: number;
  finish: string;
  status: number;
  losses: { feature: string; path: string }[];
  clientRequestId: string | null;
}

interface UsagePage {
  data: UsageRecord[];
  nextCursor: string | null;
}

const WAIT_LIMIT_MS = 10_000;

/** Every record there is, read page by page. */
export async function allUsage(gateway: RunningGateway, pageSize = 1000): Promise<UsageRecord[]> {
  const records: UsageRecord[] = [];
  let cursor: string | null = null;
  do {
    const page: UsagePage = await usagePage(gateway, pageSize, cursor);
    records.push(...page.data);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return records;
}

async function usagePage(gateway: RunningGateway, limit: number, cursor: string | null): Promise<UsagePage> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor !== null && { cursor }) });
  const reply = await send(gateway.adminUrl, {
    path: `/api/v1/usage?${query.toString()}`,
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  });
  if (reply.status !== 200) throw new Error(`usage answered ${reply.status}: ${reply.text}`);
  return JSON.parse(reply.text) as UsagePage;
}

/** The record of a request, once it is stored. Rejects where it never is. */
export async function usageOf(gateway: RunningGateway, requestId: string): Promise<UsageRecord> {
  const deadline = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const found = (await usagePage(gateway, 1000, null)).data.filter((record) => record.requestId === requestId);
    if (found[0] !== undefined && found.length === 1) return found[0];
    if (found.length > 1) throw new Error(`${requestId} is recorded ${found.length} times`);
    if (Date.now() > deadline) throw new Error(`no usage record for ${requestId}:\n${gateway.output().slice(-2000)}`);
    await delay(50);
  }
}

/** The value of a metric without labels. */
export async function gauge(gateway: RunningGateway, name: string): Promise<number> {
  const reply = await send(gateway.adminUrl, { path: '/metrics' });
  const line = reply.text.split('\n').find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.slice(name.length + 1));
}

/** Waits until `probe` gives true; rejects, naming what was waited for, after the limit. */
export async function eventually(
  what: string,
  probe: () => boolean | Promise<boolean>,
  limitMs = WAIT_LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await probe())) {
    if (Date.now() > deadline) throw new Error(`still not so after ${limitMs} ms: ${what}`);
    await delay(25);
  }
}
