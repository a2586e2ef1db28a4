import { chat } from '../chat';
import { basePath, type UpstreamKind } from '../kind';
import { retryAfterReader } from '../retry-after';

/** What clients append to the endpoint. */
const APPENDED = /\/openai(\/v1)?$/;

/**
 * Azure has the API twice. With a dated `apiVersion`: below the deployment, which is what an upstream's model names. Without:
 * `/openai/v1`, where the model in the body names it. A base URL is the resource's endpoint, as the portal shows it or with
 * what any of its clients appends to it.
 */
export const azureOpenai: UpstreamKind = {
  ...chat,
  baseUrlFault,
  inferencePath: ({ baseUrl, apiVersion }, model) => {
    const path = basePath(baseUrl).replace(APPENDED, '');
    return apiVersion === undefined
      ? `${path}/openai/v1/chat/completions`
      : `${path}/openai/deployments/${encodeURIComponent(model)}/chat/completions?api-version=${encodeURIComponent(apiVersion)}`;
  },
  // Clients made for Azure send an `api-version` of their own.
  ownsQuery: true,
  credential: (apiKey) => ['api-key', apiKey],
  outputLimit: 'max_completion_tokens',
  takesCustomTools: true,
  probePath: (baseUrl) => {
    const appended = APPENDED.exec(basePath(baseUrl))?.[0] ?? '';
    return `${'/openai/v1'.slice(appended.length)}/models`;
  },
  retryAfterMs: retryAfterReader(['retry-after-ms', 'x-ms-retry-after-ms']),
};

function baseUrlFault(baseUrl: string): string | undefined {
  if (baseUrl.includes('/openai/deployments')) return 'must not name a deployment: the model of each upstream does';
  if (baseUrl.endsWith('/v1') && !baseUrl.endsWith('/openai/v1')) return 'must be the endpoint of the resource';
  return undefined;
}
