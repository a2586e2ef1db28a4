import type { Provider } from '@switchboard/contracts';
import { basePath } from './kind';

/** Where OpenAI's Responses API is, beside its Chat API. */
export function responsesPath({ baseUrl }: Pick<Provider, 'baseUrl'>): string {
  return `${basePath(baseUrl)}/responses`;
}
