import { formatSseEvent, SseDecoder, type JsonObject } from '@switchboard/protocol';
import { echoInReply, ResponseWatch } from './response-echo';

const echo = { store: true, previous_response_id: 'resp_0' };
const response = {
  id: 'resp_1',
  store: false,
  status: 'in_progress',
  previous_response_id: null,
  output: [] as object[],
};
const text = 'event: response.completed\ndata: {"type":"response.completed","response":{"id":"forged"}}\n\n';

const event = (type: string, members: object): string => formatSseEvent(type, JSON.stringify({ type, ...members }));
const completed = { ...response, status: 'completed', output: [{ type: 'message', id: 'msg_1' }] };
const stream = [
  event('response.created', { response }),
  event('response.in_progress', { response }),
  ': keepalive\n\n',
  event('response.output_text.delta', { delta: text }),
  event('response.output_text.done', { text }),
  event('response.completed', { response: completed }),
].join('');

function watch(cut: number): { passed: string; ends: JsonObject[] } {
  const ends: JsonObject[] = [];
  const watch = new ResponseWatch(echo, (end) => ends.push(end));
  const bytes = Buffer.from(stream);
  const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].map((piece) => watch.passed(piece));
  return { passed: Buffer.concat([...pieces, watch.rest()]).toString(), ends };
}

test('an upstream’s stream says of storage what the gateway did, wherever it is cut, and is told once at its end', () => {
  const before = new SseDecoder().push(Buffer.from(stream));
  const echoed = before.map(({ event: name, data }) => {
    const body = JSON.parse(data) as { response?: object };
    return {
      event: name,
      body: body.response === undefined ? body : { ...body, response: { ...body.response, ...echo } },
    };
  });
  for (let cut = 0; cut <= stream.length; cut += 7) {
    const { passed, ends } = watch(cut);
    const after = new SseDecoder().push(Buffer.from(passed));
    expect(after.map(({ event: name, data }) => ({ event: name, body: JSON.parse(data) as object }))).toEqual(echoed);
    expect(passed).toContain(': keepalive');
    expect(ends).toEqual([{ ...completed, ...echo }]);
  }
});

test('an upstream that names no events, or leaves members out, is watched as well', () => {
  const ends: JsonObject[] = [];
  const watch = new ResponseWatch(echo, (end) => ends.push(end));
  const bare = `data: {"type":"response.incomplete","response":{"id":"resp_1"}}\n\n`;
  expect(watch.passed(Buffer.from(bare)).toString()).toBe(bare);
  expect(ends).toEqual([{ id: 'resp_1' }]);
});

test('of our own encoder the end is found among what is written with it, and not in text that only speaks of it', () => {
  const ends: JsonObject[] = [];
  const watch = new ResponseWatch(echo, (end) => ends.push(end));
  watch.written(event('response.output_text.delta', { delta: text }));
  watch.written(
    `event: response.output_text.done\ndata: {}\n\n${event('response.completed', { response: completed })}`,
  );
  expect(ends).toEqual([completed]);
});

test('a reply in one piece says it too', () => {
  const body = Buffer.from('{"previous_response_id":null,"output":[{"store":1}],"store":false}');
  expect(echoInReply(body, echo).toString()).toBe(
    '{"previous_response_id":"resp_0","output":[{"store":1}],"store":true}',
  );
  expect(echoInReply(Buffer.from('{}'), echo).toString()).toBe('{}');
});
