import { requestBody, wireRequest } from './requests';

const dialects = ['anthropic', 'chat'] as const;

describe('a request', () => {
  it.each(dialects.flatMap((client) => [1024, 20_480, 204_800].map((bodyBytes) => ({ client, bodyBytes }))))(
    'has the size it is said to have: $client, $bodyBytes bytes',
    ({ client, bodyBytes }) => {
      const body = requestBody({ client, upstream: 'anthropic', bodyBytes, streaming: false });
      expect(body.length).toBeGreaterThan(bodyBytes - 100);
      expect(body.length).toBeLessThanOrEqual(bodyBytes);
    },
  );

  it.each(dialects)('ends with the user’s turn in %s', (client) => {
    const body = requestBody({ client, upstream: 'chat', bodyBytes: 20_480, streaming: true });
    const { messages, stream } = JSON.parse(body.toString()) as { messages: { role: string }[]; stream: boolean };
    expect(messages.at(-1)?.role).toBe('user');
    expect(stream).toBe(true);
  });

  it('speaks for another key, about another model, where it is told to', () => {
    const shape = { client: 'anthropic', upstream: 'anthropic', bodyBytes: 1024, streaming: false } as const;
    const wire = wireRequest({ ...shape, key: 'cm_test_other', model: 'bench/other' }, 1).toString();
    expect(wire).toContain('x-api-key: cm_test_other\r\n');
    expect(wire).toContain('"model":"bench/other"');
  });

  it('carries the headers that say where to pass it on', () => {
    const shape = { client: 'chat', upstream: 'chat', bodyBytes: 1024, streaming: false } as const;
    const wire = wireRequest({ ...shape, headersFor: (upstream) => [`x-to: ${upstream}`] }, 1).toString();
    expect(wire).toMatch(/\r\nx-to: chat\r\n.*\r\n\r\n\{/s);
  });

  it('says the length of its body', () => {
    const wire = wireRequest({ client: 'chat', upstream: 'chat', bodyBytes: 1024, streaming: false }, 1).toString();
    const [head, body] = wire.split('\r\n\r\n');
    expect(head).toContain(`content-length: ${Buffer.byteLength(body!)}`);
  });
});
