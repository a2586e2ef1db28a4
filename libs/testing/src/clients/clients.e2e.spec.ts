import { describeWith } from '../e2e/installed-client.conformance';
import { installClients, isInstalled } from './installation';
import { TRIALS } from './registry';
import { UPSTREAMS } from './trial';
import { startClientsWorld, type ClientsWorld, type Square } from './world';

jest.setTimeout(60_000);

/** The cheapest of `npm run clients` that goes both ways twice, streaming: the whole of it takes a quarter of an hour. */
const SCENARIO = 'streamed tools';
const CLIENTS = new Set(['ai-sdk-openai', 'ai-sdk-anthropic', 'langchain-chat']);

const squares: Square[] = TRIALS.filter(({ id }) => CLIENTS.has(id)).flatMap((trial) =>
  trial.scenarios
    .filter(({ name }) => name === SCENARIO)
    .flatMap((scenario) => UPSTREAMS.map((upstream) => ({ trial, scenario, upstream }))),
);

// Half a minute of network is not for every run.
if (process.env['CLIENTS'] === '1') installClients('libraries');
const installation = isInstalled('libraries')
  ? ({ ok: true, binary: process.execPath } as const)
  : ({ ok: false, reason: 'the clients are not installed; CLIENTS=1 or npm run clients does that' } as const);

describeWith(installation, `Real clients: ${SCENARIO}`, () => {
  let world: ClientsWorld;
  beforeAll(async () => {
    world = await startClientsWorld(squares);
  });
  afterAll(() => world?.stop());

  it.each(squares.map((square) => ({ ...square, title: `${square.trial.title} on ${square.upstream}` })))(
    '$title',
    async (square) => {
      const { failure, log } = await world.play(square);
      expect({ failure, ...(failure !== undefined && { log }) }).toEqual({ failure: undefined });
    },
  );
});
