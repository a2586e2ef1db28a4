import { GatewayError } from '@switchboard/contracts';
import { DIALECTS, sniffRequest, type Dialect, type DialectId } from '@switchboard/protocol';
import { candidate } from '../core/__fixtures__/candidate';
import { InferenceRequest } from './inference-request';
import { prepareCall } from './prepare-call';

function request(dialect: DialectId, body: string, strict = false): InferenceRequest {
  const bytes = Buffer.from(body);
  const sniffed = sniffRequest(bytes);
  if (!sniffed.ok) throw new Error(sniffed.fault.message);
  return new InferenceRequest(DIALECTS[dialect], bytes, sniffed, {}, '', strict);
}

const onChat = candidate({ kind: 'openai-compatible' });
const onAnthropic = candidate({ kind: 'anthropic-compatible' });

function prepared(...args: Parameters<typeof prepareCall>): string {
  const call = prepareCall(...args);
  if (call instanceof GatewayError) throw call;
  return call.body.toString();
}

describe('a call to an upstream of the client’s own dialect', () => {
  it('is the client’s bytes but for the model’s name, whatever else they hold', () => {
    const body = '{ "future" : {"model":"x"},\n "model" : "claude-x", "max_tokens":1e1,"messages":[ {"role":"user"} ]}';
    expect(prepared(request('anthropic-messages', body), onAnthropic)).toBe(
      body.replace('"claude-x"', '"upstream-model"'),
    );
  });

  it('asks a Chat stream for the usage that is to be billed, and keeps other stream options', () => {
    const bare = '{"model":"upstream-model","stream":true,"messages":[1]}';
    expect(JSON.parse(prepared(request('openai-chat', bare), onChat))).toEqual({
      ...JSON.parse(bare),
      stream_options: { include_usage: true },
    });
    const options = '{"stream_options":{"x":1},"model":"m","stream":true,"messages":[1]}';
    expect(JSON.parse(prepared(request('openai-chat', options), onChat))).toMatchObject({
      model: 'upstream-model',
      stream_options: { x: 1, include_usage: true },
    });
  });

  it('is untouched, the same bytes, where nothing is to change', () => {
    const asked = request('openai-chat', '{"model":"upstream-model","messages":[1]}');
    const call = prepareCall(asked, onChat);
    expect(call instanceof GatewayError ? call : call.body).toBe(asked.body);
  });
});

describe('a call to an upstream of another dialect', () => {
  const body = '{"model":"m","max_tokens":9,"top_k":3,"messages":[{"role":"user","content":"Hi"}]}';

  it('is translated, and names what is lost', () => {
    const call = prepareCall(request('anthropic-messages', body), onChat);
    expect(call).toMatchObject({ passThrough: false, requestLosses: [{ feature: 'top_k', path: 'top_k' }] });
  });

  it('is refused where strict translation would lose something', () => {
    expect(prepareCall(request('anthropic-messages', body, true), onChat)).toMatchObject({ code: 'translation_loss' });
  });

  it('is refused, not a crash, where a translator has a bug', () => {
    const buggy: Dialect = {
      ...DIALECTS['openai-chat'],
      encodeRequest: () => {
        throw new TypeError('a bug of ours');
      },
    };
    const call = prepareCall(request('anthropic-messages', body), { ...onChat, dialect: buggy });
    expect(call).toMatchObject({ code: 'internal' });
    expect((call as GatewayError).publicMessage).not.toContain('bug');
  });
});
