import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { HEALTH_CHECKS, type HealthCheck } from '@switchboard/contracts';
import { createLogger } from '../logging/logger';
import { createMetrics } from '../metrics/metrics';
import { PrivatePortModule } from './private-port.module';

let app: NestFastifyApplication;
const logged: Record<string, unknown>[] = [];

async function start(checks: HealthCheck[]): Promise<void> {
  const write = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>);
  const module = PrivatePortModule.forRoot({
    metrics: createMetrics(),
    logger: createLogger({ level: 'info', name: 'test' }, { write }),
    providers: [{ provide: HEALTH_CHECKS, useValue: checks }],
  });
  app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
  await app.init();
}

afterEach(async () => {
  logged.length = 0;
  await app.close();
});

const get = (url: string) => app.inject({ method: 'GET', url });

const up: HealthCheck = { name: 'config', required: true, check: () => Promise.resolve() };
const down = (required: boolean): HealthCheck => ({
  name: 'postgres',
  required,
  check: () => Promise.reject(new Error('connection refused')),
});

test('probes and metrics need no token', async () => {
  await start([]);
  for (const path of ['/healthz', '/readyz', '/metrics']) expect((await get(path)).statusCode).toBe(200);
});

test('ready when all is up', async () => {
  await start([up]);
  const reply = await get('/readyz');
  expect(reply.statusCode).toBe(200);
  expect(reply.json()).toMatchObject({ status: 'ready', checks: { config: { status: 'up' } } });
});

test('still ready, but degraded, without a dependency that is not required', async () => {
  await start([up, down(false)]);
  const reply = await get('/readyz');
  expect(reply.statusCode).toBe(200);
  expect(reply.json()).toMatchObject({
    status: 'degraded',
    checks: { config: { status: 'up' }, postgres: { status: 'down', error: 'connection refused' } },
  });
});

test('not ready without a required one, and alive all the same', async () => {
  await start([down(true)]);
  const reply = await get('/readyz');
  expect(reply.statusCode).toBe(503);
  expect(reply.json()).toMatchObject({ status: 'unavailable' });
  expect((await get('/healthz')).statusCode).toBe(200);
});

test('an answer comes within 2.5 s though several dependencies never give one', async () => {
  const mute = (name: string) => ({ name, required: true, check: () => new Promise<void>(() => undefined) });
  await start([mute('postgres'), mute('redis'), mute('nats')]);
  const askedAt = performance.now();
  const reply = await get('/readyz');
  expect(performance.now() - askedAt).toBeLessThan(2_500);
  expect(reply.statusCode).toBe(503);
  expect(reply.json().checks.redis).toMatchObject({ status: 'down', error: 'no answer within 2000 ms' });
});

test('a check that throws instead of rejecting is down', async () => {
  const thrower = (): Promise<void> => {
    throw new Error('no pool');
  };
  await start([{ name: 'postgres', required: true, check: thrower }]);
  expect((await get('/readyz')).json().checks.postgres).toMatchObject({ status: 'down', error: 'no pool' });
});

test('a change of readiness is logged once, with what is down', async () => {
  let fault: Error | undefined = new Error('connection refused');
  const check = () => (fault === undefined ? Promise.resolve() : Promise.reject(fault));
  await start([up, { name: 'postgres', required: true, check }]);
  for (let probe = 0; probe < 3; probe++) await get('/readyz');
  fault = undefined;
  for (let probe = 0; probe < 3; probe++) await get('/readyz');
  expect(logged).toEqual([
    expect.objectContaining({ level: 'warn', msg: 'not ready', down: { postgres: 'connection refused' } }),
    expect.objectContaining({ level: 'info', msg: 'ready' }),
  ]);
});

test('metrics tell which dependencies are there, as they are now', async () => {
  const database: { fault?: Error } = {};
  const check = () => (database.fault === undefined ? Promise.resolve() : Promise.reject(database.fault));
  await start([up, { name: 'postgres', required: false, check }]);
  const lines = async (): Promise<string[]> =>
    (await get('/metrics')).body.split('\n').filter((line) => line.startsWith('switchboard_dependency_up{'));
  const config = 'switchboard_dependency_up{dependency="config",required="true"} 1';
  expect(await lines()).toEqual([config, 'switchboard_dependency_up{dependency="postgres",required="false"} 1']);
  database.fault = new Error('connection refused');
  expect(await lines()).toEqual([config, 'switchboard_dependency_up{dependency="postgres",required="false"} 0']);
});

test('metrics are in the Prometheus text format', async () => {
  await start([]);
  const reply = await get('/metrics');
  expect(reply.headers['content-type']).toContain('text/plain');
  expect(reply.body).toContain('# TYPE nodejs_eventloop_lag_p99_seconds gauge');
});
