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

Usage so far:  npm run usage            Stop:  Ctrl-C
`;
}
