import type { IncomingMessage } from 'node:http';
import { ApiFailure } from '../api-failure';
import type { Dialect, Planner } from '../dialect';
import type { Endpoint } from '../exchange';
import { textOf } from '../json';
import { planResponse } from '../responses/endpoints';
import { openai } from './dialect';
import { planCompletion } from './endpoints';

const DEPLOYMENT = /^\/openai\/deployments\/[^/]+\/chat\/completions$/;
const V1: Readonly<Record<string, Planner>> = {
  '/openai/v1/chat/completions': planCompletion,
  '/openai/v1/responses': planResponse,
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

/** Azure OpenAI has Chat twice: below each deployment under a dated version, and once for all of them without; Responses only so. */
export function azureEndpoint(path: string): Endpoint | undefined {
  const plan = Object.hasOwn(V1, path) ? V1[path] : undefined;
  if (plan !== undefined) return { dialect: azure, plan, check: checkV1 };
  return DEPLOYMENT.test(path) ? { dialect: azure, plan: planCompletion, check: checkDeployment } : undefined;
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
