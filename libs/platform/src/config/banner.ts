import type { GatewayConfig } from './gateway-config';

export interface BannerFacts {
  publicUrl: string;
  adminUrl: string;
  /** Shown where the gateway made the key itself. */
  demoKey: string | undefined;
  /** What answers: the simulator, or the providers by name. */
  upstreams: string;
  /** A model every line can use. */
  model: string;
  configSource: string | undefined;
  /** The last lines: where to look next, and how to stop. */
  closing: readonly string[];
}

/** What a first run prints: where it listens, and lines to paste. */
export function banner(facts: BannerFacts): string {
  const key = facts.demoKey ?? '$YOUR_KEY';
  const { publicUrl, model } = facts;
  return `
Switchboard is up.

  gateway   ${publicUrl}
  admin     ${facts.adminUrl}   (health, metrics, usage)
  config    ${facts.configSource ?? 'none: built-in models'}
  upstream  ${facts.upstreams}
  key       ${key}

curl:
  curl ${publicUrl}/v1/messages -H "x-api-key: ${key}" -H "content-type: application/json" \\
    -d '{"model":"${model}","max_tokens":200,"messages":[{"role":"user","content":"Say hi"}]}'

Claude Code:
  ANTHROPIC_BASE_URL=${publicUrl} ANTHROPIC_AUTH_TOKEN=${key} claude -p "say hi"

Anthropic SDK:
  new Anthropic({ baseURL: '${publicUrl}', apiKey: '${key}' })

OpenAI SDK:
  new OpenAI({ baseURL: '${publicUrl}/v1', apiKey: '${key}' })

${facts.closing.join('\n')}
`;
}

/** The model of the lines to paste: one every reader knows, where it is served at all. */
export function bannerModel({ models }: GatewayConfig): string {
  const served = models.filter(({ category }) => category === 'llm');
  return (served.find(({ id }) => id === 'anthropic/claude-sonnet-4.6') ?? served[0])?.id ?? 'auto';
}

/** What the lines say of a first run's upstream. */
export const SIMULATED_UPSTREAM =
  'the simulator (set ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENROUTER_API_KEY for real answers)';
