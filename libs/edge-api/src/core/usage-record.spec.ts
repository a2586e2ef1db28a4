import { emptyUsage } from '@switchboard/protocol';
import { candidate } from './__fixtures__/candidate';
import { keyRecord } from './__fixtures__/key-record';
import { usageRecord, type CallOutcome } from './usage-record';

const usage = { ...emptyUsage(), inputTokens: 100, cacheReadTokens: 50, outputTokens: 10 };

function record(changes: Partial<CallOutcome>) {
  return usageRecord({
    requestId: 'req_1',
    clientRequestId: undefined,
    key: keyRecord(),
    requestedModel: 'm',
    candidate: candidate(),
    clientDialect: 'openai-chat',
    stream: true,
    startedAtMs: 0,
    firstTokenMs: undefined,
    latencyMs: 1,
    attempts: 1,
    status: 200,
    finish: 'stop',
    losses: [],
    usage,
    complete: true,
    accepted: true,
    requestBody: Buffer.alloc(400),
    outputBytes: 400,
    ...changes,
  });
}

describe('a usage record', () => {
  it('of a complete reply is the upstream’s own figures, priced by kind', () => {
    // 100 × 3 + 50 × 0.3 + 10 × 15 USD per million.
    expect(record({})).toMatchObject({ usage, accuracy: 'exact', costNanoUsd: 300_000 + 15_000 + 150_000 });
  });

  it('of a reply that was cut off counts at least what was seen, and says that it is an estimate', () => {
    expect(record({ complete: false })).toMatchObject({
      usage: { inputTokens: 100, cacheReadTokens: 50, outputTokens: 100 },
      accuracy: 'estimated',
    });
    expect(record({ complete: false, outputBytes: 4 }).usage.outputTokens).toBe(10);
  });

  it('without any figures of the upstream is counted from bytes', () => {
    expect(record({ usage: undefined })).toMatchObject({
      usage: { inputTokens: 100, outputTokens: 100 },
      accuracy: 'estimated',
    });
  });

  it('without any figures counts an image by itself, not by its bytes', () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo'.repeat(100_000) };
    const body = { messages: [{ role: 'user', content: [{ type: 'image', source }] }] };
    const textBytes = JSON.stringify(body).length - source.data.length;
    expect(record({ usage: undefined, requestBody: Buffer.from(JSON.stringify(body)) }).usage).toMatchObject({
      inputTokens: Math.ceil(textBytes / 4) + 1_600,
    });
  });

  it('that is an estimate costs no more than what was set aside, and one that is exact what it costs', () => {
    const estimated = record({ complete: false, heldNanoUsd: 400_000 });
    expect(estimated).toMatchObject({ accuracy: 'estimated', costNanoUsd: 390_000, usage: { outputTokens: 5 } });
    expect(record({ heldNanoUsd: 400_000 }).costNanoUsd).toBe(465_000);
  });

  it('of a call that no upstream took is an exact nothing', () => {
    expect(record({ usage: undefined, complete: false, accepted: false })).toMatchObject({
      usage: emptyUsage(),
      costNanoUsd: 0,
      accuracy: 'exact',
    });
  });
});
