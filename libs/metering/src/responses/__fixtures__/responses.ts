import type { StoredResponse } from '@switchboard/contracts';

/** Of tenant `acme`; `text`: what was asked, and answered. */
export function response(id: string, text = 'the moon is made of cheese', changes: Partial<StoredResponse> = {}): StoredResponse {
  const bare = id.slice(id.indexOf('_') + 1);
  const content = [{ type: 'output_text', text, annotations: [] }];
  return {
    ...{ tenantId: 'acme', keyId: 'key_1', id, createdAtMs: Date.now(), model: 'openai/gpt-5', status: 'completed' },
    input: [{ type: 'message', id: `msg_${bare}_in0`, role: 'user', content: text }],
    response: {
      ...{ id, object: 'response', status: 'completed', store: true },
      output: [{ type: 'message', id: `msg_${bare}_0`, role: 'assistant', status: 'completed', content }],
    },
    ...changes,
  };
}
