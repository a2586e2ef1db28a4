import type { UsageIntent, UsageRecordedV1 } from '@switchboard/contracts';
import type { Loss, Usage } from '@switchboard/protocol';
import { JsonBytes, label, textLabel } from './json-bytes';

const json = new JsonBytes();

const CALL = {
  requestId: textLabel('{"requestId":'),
  tenantId: textLabel(',"tenantId":'),
  keyId: textLabel(',"keyId":'),
  requestedModel: textLabel(',"requestedModel":'),
  model: textLabel(',"model":'),
  upstream: textLabel(',"upstream":'),
  clientDialect: textLabel(',"clientDialect":'),
  upstreamDialect: textLabel(',"upstreamDialect":'),
  stream: label(',"stream":'),
  startedAtMs: label(',"startedAtMs":'),
  attempts: label(',"attempts":'),
  priceVersion: textLabel(',"priceVersion":'),
  costNanoUsd: label(',"costNanoUsd":'),
  endUser: textLabel(',"endUser":'),
  clientRequestId: textLabel(',"clientRequestId":'),
  inputTokens: label(',"inputTokens":'),
  outputTokens: label(',"outputTokens":'),
  accuracy: textLabel(',"accuracy":'),
  firstTokenMs: label(',"firstTokenMs":'),
  latencyMs: label(',"latencyMs":'),
  finish: textLabel(',"finish":'),
  status: label(',"status":'),
  traceparent: textLabel(',"traceparent":'),
  end: label('}'),
};

const USAGE = {
  inputTokens: label(',"usage":{"inputTokens":'),
  cacheReadTokens: label(',"cacheReadTokens":'),
  cacheWrite5mTokens: label(',"cacheWrite5mTokens":'),
  cacheWrite1hTokens: label(',"cacheWrite1hTokens":'),
  outputTokens: label(',"outputTokens":'),
  reasoningTokens: label(',"reasoningTokens":'),
};

const LOSSES = {
  none: label(',"losses":[]'),
  first: textLabel(',"losses":[{"feature":'),
  next: textLabel(',{"feature":'),
  path: textLabel(',"path":'),
  end: label(']'),
};

const METADATA = {
  none: label(',"clientMetadata":{}'),
  first: textLabel(',"clientMetadata":{'),
  next: textLabel(','),
  value: textLabel(':'),
};

/** What JSON.parse makes a UsageIntent of, as UTF-8. */
export function encodeIntent(intent: UsageIntent): Buffer {
  json.begin();
  writeCall(intent);
  json.number(CALL.inputTokens, intent.inputTokens);
  json.number(CALL.outputTokens, intent.outputTokens);
  writeClient(intent);
  json.raw(CALL.end);
  return json.end() ?? Buffer.from(JSON.stringify(intent));
}

/** What JSON.parse makes a UsageRecordedV1 of, as UTF-8; however long. */
export function encodeUsage(record: UsageRecordedV1): Buffer {
  json.begin();
  writeCall(record);
  writeAmounts(record.usage);
  json.text(CALL.accuracy, record.accuracy);
  if (record.firstTokenMs !== undefined) json.number(CALL.firstTokenMs, record.firstTokenMs);
  json.number(CALL.latencyMs, record.latencyMs);
  json.text(CALL.finish, record.finish);
  json.number(CALL.status, record.status);
  writeLosses(record.losses);
  writeClient(record);
  if (record.clientMetadata !== undefined) writeMetadata(record.clientMetadata);
  if (record.traceparent !== undefined) json.text(CALL.traceparent, record.traceparent);
  json.raw(CALL.end);
  return json.end() ?? Buffer.from(JSON.stringify(record));
}

function writeCall(call: UsageIntent | UsageRecordedV1): void {
  json.text(CALL.requestId, call.requestId);
  json.text(CALL.tenantId, call.tenantId);
  json.text(CALL.keyId, call.keyId);
  json.text(CALL.requestedModel, call.requestedModel);
  json.text(CALL.model, call.model);
  json.text(CALL.upstream, call.upstream);
  json.text(CALL.clientDialect, call.clientDialect);
  json.text(CALL.upstreamDialect, call.upstreamDialect);
  json.flag(CALL.stream, call.stream);
  json.number(CALL.startedAtMs, call.startedAtMs);
  json.number(CALL.attempts, call.attempts);
  if (call.priceVersion !== undefined) json.text(CALL.priceVersion, call.priceVersion);
  json.number(CALL.costNanoUsd, call.costNanoUsd);
}

function writeClient({ endUser, clientRequestId }: UsageIntent | UsageRecordedV1): void {
  if (endUser !== undefined) json.text(CALL.endUser, endUser);
  if (clientRequestId !== undefined) json.text(CALL.clientRequestId, clientRequestId);
}

function writeAmounts(usage: Usage): void {
  json.number(USAGE.inputTokens, usage.inputTokens);
  json.number(USAGE.cacheReadTokens, usage.cacheReadTokens);
  json.number(USAGE.cacheWrite5mTokens, usage.cacheWrite5mTokens);
  json.number(USAGE.cacheWrite1hTokens, usage.cacheWrite1hTokens);
  json.number(USAGE.outputTokens, usage.outputTokens);
  json.number(USAGE.reasoningTokens, usage.reasoningTokens);
  json.raw(CALL.end);
}

function writeLosses(losses: readonly Loss[]): void {
  if (losses.length === 0) return json.raw(LOSSES.none);
  losses.forEach(({ feature, path }, index) => {
    json.text(index === 0 ? LOSSES.first : LOSSES.next, feature);
    json.text(LOSSES.path, path);
    json.raw(CALL.end);
  });
  json.raw(LOSSES.end);
}

function writeMetadata(metadata: Readonly<Record<string, string>>): void {
  const names = Object.keys(metadata);
  if (names.length === 0) return json.raw(METADATA.none);
  names.forEach((name, index) => {
    json.text(index === 0 ? METADATA.first : METADATA.next, name);
    json.text(METADATA.value, metadata[name] ?? '');
  });
  json.raw(CALL.end);
}
