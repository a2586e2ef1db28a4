import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator } from '@switchboard/simulator';
import { gatewayConfig, GATEWAY_ENV, KEY, model, provider, type Json } from '../e2e/gateway-config';
import { startRecordingProxy } from '../e2e/recording-proxy';
import { startGateway } from '../gateway';
import { Cell } from './cell';
import { checkLedger } from './evidence';
import { Discrepancy, type ClientTrial, type Scenario, type Upstream } from './trial';

const OUTPUT_SHOWN = 4_000;

/** One square of the matrix. */
export interface Square {
  trial: ClientTrial;
  scenario: Scenario;
  upstream: Upstream;
}

export interface SquareResult extends Square {
  /** Undefined: all was as it should be. One line. */
  failure: string | undefined;
  /** The features that translation lost, and said so. */
  lost: ReadonlySet<string>;
  tookMs: number;
  /** What the client printed. */
  log: string;
}

export interface ClientsWorld {
  play(square: Square): Promise<SquareResult>;
  stop(): Promise<void>;
}

/**
 * The standalone gateway before a simulator that is one provider in each dialect. Every square has a model of its own, so
 * that its calls are told apart in the ledger, and what goes wrong for one goes wrong for no other. Squares are played
 * one after the other.
 */
export async function startClientsWorld(squares: readonly Square[]): Promise<ClientsWorld> {
  const simulator = await startSimulator();
  const upstreams = [...new Set(squares.map(({ upstream }) => upstream))];
  const config = gatewayConfig(
    upstreams.map((upstream) => providerFor(upstream, simulator.url)),
    squares.map((square) => {
      const served = { provider: square.upstream, model: `sim-any${square.scenario.behaviour ?? ''}` };
      return model(modelOf(square), [served]);
    }),
  );
  const gateway = await startGateway({ config, env: GATEWAY_ENV }).catch(async (error: unknown) => {
    await simulator.close();
    throw error;
  });
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-clients-'));

  const play = async (square: Square): Promise<SquareResult> => {
    simulator.reset();
    const own = path.join(folder, modelOf(square).replaceAll('/', '-'));
    mkdirSync(own);
    const proxy = await startRecordingProxy(gateway.url, () => Promise.resolve());
    const cell = new Cell(square.upstream, modelOf(square), KEY, own, proxy, simulator);
    const startedMs = Date.now();
    let lost: ReadonlySet<string> = new Set();
    let failure: string | undefined;
    try {
      await square.scenario.play(cell);
      lost = await checkLedger(gateway, cell, square.trial, square.scenario);
    } catch (error) {
      if (!(error instanceof Discrepancy)) throw error;
      failure = error.message;
    } finally {
      await proxy.close();
    }
    // What no client is to blame for ends the trial.
    if (!isAlive(gateway.pid)) throw new Error(`the gateway ended:\n${gateway.output().slice(-OUTPUT_SHOWN)}`);
    return { ...square, failure, lost, tookMs: Date.now() - startedMs, log: logOf(cell) };
  };
  const stop = async (): Promise<void> => {
    await gateway.stop();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  return { play, stop };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function logOf(cell: Cell): string {
  const calls = cell
    .served()
    .map(({ path: at, stream, status, outcome }) => `${at} ${stream ? 'streamed' : 'whole'} ${status} ${outcome}`);
  const asked = cell.calls().map(({ path: at, status }) => `${at} ${status}`);
  return [...cell.log, '--- gateway', ...asked, '--- upstream', ...calls, ...cell.receivedBodies()].join('\n');
}

function providerFor(upstream: Upstream, origin: string): Json {
  if (upstream === 'responses') return provider(upstream, 'chat', origin, { kind: 'responses-compatible' });
  return provider(upstream, upstream, origin);
}

function modelOf({ trial, scenario, upstream }: Square): string {
  const name = `${trial.id}-${scenario.name}-on-${upstream}`.replaceAll(/[^a-z0-9]+/g, '-');
  return `${scenario.modelPrefix ?? 'trial/'}${name}`;
}
