import type { IncomingMessage } from 'node:http';
import { ApiFailure } from '../api-failure';
import type { Dialect, Planner } from '../dialect';
import type { Endpoint } from '../exchange';
import { textOf } from '../json';
import { planResponse } from '../responses/endpoints';
import { openai } from './dialect';
import { planEmbeddings } from './embeddings';
import { planCompletion } from './endpoints';
import { planLegacyCompletion } from './legacy-completions';

const DEPLOYMENT = /^\/openai\/deployments\/[^/]+(\/.+)$/;
const V1 = /^\/openai\/v1(\/.+)$/;

const PLANNERS: Readonly<Record<string, Planner>> = {
  '/chat/completions': planCompletion,
  '/embeddings': planEmbeddings,
  '/completions': planLegacyCompletion,
};

/** Azure's own words; the rest is OpenAI's. */
const azure: Dialect = {
  ...openai,
  headers: (requestId) => ({ ...openai.headers(requestId), 'x-ms-region': 'Simulated' }),
  unauthenticated: () =>
    new ApiFailure(
      401,
      undefined,
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an ' +
        'active subscription and use a correct regional API endpoint for your resource.',
      null,
      '401',
    ),
};

/** Azure OpenAI has its API twice: below each deployment under a dated version, and once for all of them without; Responses only so. */
export function azureEndpoint(path: string): Endpoint | undefined {
  if (path === '/openai/v1/responses') return { dialect: azure, plan: planResponse, check: checkV1 };
  const v1 = V1.exec(path)?.[1];
  const plan = PLANNERS[v1 ?? DEPLOYMENT.exec(path)?.[1] ?? ''];
  return plan && { dialect: azure, plan, check: v1 === undefined ? checkDeployment : checkV1 };
}

function checkV1(request: IncomingMessage): void {
  checkKey(request);
  const versions = versionsOf(request);
  if (versions.some((version) => version !== 'v1' && version !== 'preview')) {
    throw new ApiFailure(400, undefined, 'API version not supported', null, 'BadRequest');
  }
}

function checkDeployment(request: IncomingMessage): void {
  checkKey(request);
  const versions = versionsOf(request);
  if (versions.length !== 1 || !/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(versions[0] ?? '')) {
    throw new ApiFailure(404, undefined, 'Resource not found', null, '404');
  }
}

function checkKey({ headers }: IncomingMessage): void {
  if (textOf(headers['api-key']) === '') throw azure.unauthenticated();
}

function versionsOf(request: IncomingMessage): string[] {
  return new URL(request.url ?? '/', 'http://localhost').searchParams.getAll('api-version');
}
