import { chat } from '../chat';
import { basePath, type ProviderAddress, type UpstreamKind } from '../kind';
import { retryAfterReader } from '../retry-after';

/** What clients append to the endpoint. */
const APPENDED = /\/openai(\/v1)?$/;

/**
 * Azure has the API twice. With a dated `apiVersion`: Chat below the deployment, which is what an upstream's model names.
 * Without: Chat and Responses at `/openai/v1`, where the model in the body names it. A base URL is the resource's endpoint, as the portal shows it or with
 * what any of its clients appends to it.
 */
export const azureOpenai: UpstreamKind = {
  ...chat,
  baseUrlFault,
  servesToo: (dialect, { apiVersion }) => dialect === 'openai-responses' && apiVersion === undefined,
  inferencePath: (provider, model, dialect) =>
    pathOf(provider, model, dialect === 'openai-responses' ? 'responses' : 'chat/completions'),
  operationPath: pathOf,
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

function pathOf({ baseUrl, apiVersion }: ProviderAddress, model: string, endpoint: string): string {
  const path = basePath(baseUrl).replace(APPENDED, '');
  return apiVersion === undefined
    ? `${path}/openai/v1/${endpoint}`
    : `${path}/openai/deployments/${encodeURIComponent(model)}/${endpoint}?api-version=${encodeURIComponent(apiVersion)}`;
}

function baseUrlFault(baseUrl: string): string | undefined {
  if (baseUrl.includes('/openai/deployments')) return 'must not name a deployment: the model of each upstream does';
  if (baseUrl.endsWith('/v1') && !baseUrl.endsWith('/openai/v1')) return 'must be the endpoint of the resource';
  return undefined;
}
