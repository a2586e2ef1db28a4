import type { IncomingHttpHeaders } from 'node:http';
import type { RequestIdentity } from '../core/reply-headers';
import { beginTrace } from '../core/request-trace';
import { RequestTraces } from './request-traces';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SAMPLED = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
const UNSAMPLED = { traceparent: `00-${TRACE}-00f067aa0ba902b7-00` };

const traces = new RequestTraces({
  ...{ spans: { record: () => undefined }, ratio: 0.25, slowFirstTokenMs: 100, slowReplyMs: 1_000 },
});

const keep = (headers: IncomingHttpHeaders, failed: boolean, stream: boolean, waitedMs: number) =>
  traces.keep({ trace: beginTrace(headers, 0, 0.5) } as RequestIdentity, failed, stream, waitedMs)?.why;

test.each([
  ['what nobody samples, and is well', {}, false, true, 100, undefined],
  ['what its client does not sample', UNSAMPLED, false, true, 100, undefined],
  ['what its client samples', SAMPLED, false, true, 1, 'sampled'],
  ['what is sampled and fails', SAMPLED, true, true, 1, 'sampled'],
  ['what fails', {}, true, true, 1, 'error'],
  ['what fails unsampled', UNSAMPLED, true, false, 1, 'error'],
  ['a stream whose first token is late', {}, false, true, 101, 'slow'],
  ['a whole reply that takes as long', {}, false, false, 101, undefined],
  ['a whole reply that is late', UNSAMPLED, false, false, 1_001, 'slow'],
] as const)('%s', (_, headers, failed, stream, waitedMs, why) => {
  expect(keep(headers, failed, stream, waitedMs)).toBe(why);
});

test('the share decides where the client did not, and only there', () => {
  expect(beginTrace({}, 0.25, 0.249)?.isSampled).toBe(true);
  expect(beginTrace({}, 0.25, 0.25)).toBeUndefined();
  expect(beginTrace({}, 0, 0)).toBeUndefined();
  expect(beginTrace({}, 1, 0.999)?.isSampled).toBe(true);
  expect(beginTrace(UNSAMPLED, 1, 0)?.isSampled).toBe(false);
  expect(beginTrace(SAMPLED, 0, 1)?.isSampled).toBe(true);
});

test('what is kept late is in the trace of its client, if it sent one, sampled from there on', () => {
  const kept = traces.keep({ trace: beginTrace(UNSAMPLED, 0, 0.5) } as RequestIdentity, true, true, 0);
  expect(kept?.trace).toMatchObject({ traceId: TRACE, isSampled: true });
  expect(traces.keep({ trace: undefined } as RequestIdentity, true, true, 0)?.trace.traceId).toMatch(/^[0-9a-f]{32}$/);
});
