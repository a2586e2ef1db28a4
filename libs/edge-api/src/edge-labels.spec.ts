import { until } from './__fixtures__/keys-bucket';
import { MESSAGE_REPLY, ServedEdge, type ClientDialect } from './__fixtures__/served-edge';

let served: ServedEdge;
afterEach(() => served.close());

async function recordedOf(kind: 'openai-compatible' | 'anthropic-compatible', dialect: ClientDialect, members: object) {
  served = await ServedEdge.start({
    ...{ kind, keys: { plain: {} } },
    ...(kind === 'anthropic-compatible' && {
      answer: (_, response) => void response.setHeader('content-type', 'application/json').end(MESSAGE_REPLY),
    }),
  });
  expect((await served.post(dialect, 'plain', members)).status).toBe(200);
  await until(() => served.usage.length === 1, 'the record');
  return { record: served.usage[0], intent: served.edge.intents[0] };
}

describe.each(['openai-compatible', 'anthropic-compatible'] as const)(
  'what a client says of its call to %s',
  (kind) => {
    it('is recorded of Chat: whom it is for, also if the edge dies, and what it attaches', async () => {
      const metadata = { team: 'search', run: '42' };
      const { record, intent } = await recordedOf(kind, 'openai', { user: 'jane', metadata });
      expect(record).toMatchObject({ endUser: 'jane', clientMetadata: metadata });
      expect(intent).toMatchObject({ endUser: 'jane' });
    });

    it('is recorded of Messages: whom it is for', async () => {
      const { record, intent } = await recordedOf(kind, 'anthropic', { metadata: { user_id: 'jane' } });
      expect(record).toMatchObject({ endUser: 'jane' });
      expect(record).not.toHaveProperty('clientMetadata');
      expect(intent).toMatchObject({ endUser: 'jane' });
    });

    it('is nothing where it says nothing', async () => {
      const { record, intent } = await recordedOf(kind, 'openai', {});
      for (const told of [record, intent]) expect(told).not.toHaveProperty('endUser');
      expect(record).not.toHaveProperty('clientMetadata');
    });
  },
);
