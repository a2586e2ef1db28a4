import { readFileSync } from 'node:fs';
import path from 'node:path';
import { SHOWN, TARGET } from './__fixtures__/translate';
import { anthropicMessages } from './dialects/anthropic-messages/dialect';
import { openaiChat } from './dialects/openai-chat/dialect';
import type { JsonObject } from './json';
import { formatLosses } from './loss';
import { SseDecoder } from './sse/decoder';

/** `__fixtures__/<scenario>.{request.json,upstream-request.json,upstream.sse,client.sse}`: one round trip, letter for letter. */
function fixture(scenario: string, kind: string): string {
  return readFileSync(path.join(__dirname, '__fixtures__', `${scenario}.${kind}`), 'utf8');
}

describe.each([
  ['anthropic-client-tool-loop', anthropicMessages, openaiChat],
  ['anthropic-client-upstream-fails', anthropicMessages, openaiChat],
  ['chat-client-tool-loop', openaiChat, anthropicMessages],
  ['chat-client-upstream-breaks-off', openaiChat, anthropicMessages],
])('%s', (scenario, client, upstream) => {
  const decoded = client.decodeRequest(JSON.parse(fixture(scenario, 'request.json')) as JsonObject);
  if (!decoded.ok) throw new Error(decoded.fault.message);
  const encoded = upstream.encodeRequest(decoded.value, TARGET);
  if (!encoded.ok) throw new Error(encoded.fault.message);

  it('sends the upstream exactly this request, with exactly these losses', () => {
    const sent = { losses: formatLosses(encoded.losses), body: encoded.body };
    expect(JSON.parse(JSON.stringify(sent))).toEqual(JSON.parse(fixture(scenario, 'upstream-request.json')));
  });

  it('sends the client exactly these bytes, in whatever pieces the upstream sends its own', () => {
    const bytes = Buffer.from(fixture(scenario, 'upstream.sse'));
    for (const size of [1, 7, 100, bytes.length]) {
      const sse = new SseDecoder();
      const decoder = upstream.streamDecoder({ toolNames: encoded.toolNames });
      const encoder = client.streamEncoder(SHOWN);
      let text = '';
      for (let start = 0; start < bytes.length; start += size) {
        for (const event of sse.push(bytes.subarray(start, start + size))) {
          for (const canonical of decoder.push(event)) text += encoder.push(canonical);
        }
      }
      for (const canonical of decoder.end('completed')) text += encoder.push(canonical);
      expect(text).toBe(fixture(scenario, 'client.sse'));
    }
  });
});
