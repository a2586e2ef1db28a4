import { decodeBytes, readStream } from '../../__fixtures__/stream-grammar';
import { SERVED_STREAMS } from './__fixtures__/servers';
import { ChatStreamDecoder } from './stream';

describe.each(Object.entries(SERVED_STREAMS))('%s', (_, served) => {
  it('is read as it was meant', () => {
    const decoder = new ChatStreamDecoder({ toolNames: new Map() });
    const events = decodeBytes(decoder, Buffer.from(served.sse), 'completed');
    const { thinking, text, calls, end } = readStream(events);
    expect({ thinking, text, calls }).toEqual({
      ...{ thinking: served.thinking ?? '', text: served.text ?? '', calls: served.calls ?? [] },
    });
    expect(end).toMatchObject({ type: 'finish', reason: served.finish });
    const usage = end?.type === 'finish' ? end.usage : undefined;
    expect(usage && [usage.inputTokens, usage.outputTokens]).toEqual(served.usage);
    expect(events.filter(({ type }) => type === 'loss')).toEqual([]);
  });
});
