import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installClient, runClient, type ClientRun, type Installation, type NpmClient } from './installed-client';

/**
 * The last that obeys `retry-after` in Chat Completions. There, 0.64 to 0.79 come back by a clock of their own, and from
 * 0.80 on a 429 ends the run; 0.95 dropped the dialect. What came later and obeys again speaks only Responses.
 */
const VERSION = '0.63.0';

const CODEX: NpmClient = {
  title: 'Codex',
  spec: `@openai/codex@${VERSION}`,
  cache: 'codex',
  versionLine: `codex-cli ${VERSION}`,
  env: (folder) => ({ CODEX_HOME: folder }),
  // The package carries every platform's.
  binariesIn: (modules) => {
    const platforms = path.join(modules, '@openai/codex/vendor');
    return (existsSync(platforms) ? readdirSync(platforms) : []).map((platform) =>
      path.join(platforms, platform, 'codex', process.platform === 'win32' ? 'codex.exe' : 'codex'),
    );
  },
};

export const installCodex = (): Installation => installClient(CODEX);

export interface CodexCall {
  binary: string;
  prompt: string;
  model: string;
  /** With its `/v1`. */
  baseUrl: string;
  apiKey: string;
  /** Home, configuration and working folder at once: nothing of the machine's owner is read or changed. */
  folder: string;
}

/**
 * `codex exec PROMPT` in Chat Completions: its answer on stdout, what it does on stderr. It runs the commands it is told
 * to without a sandbox of its own, which needs more of the machine than a container allows. Never rejects; a run that does
 * not end is killed.
 */
export function runCodex({ binary, prompt, model, baseUrl, apiKey, folder }: CodexCall): Promise<ClientRun> {
  // JSON strings are TOML strings.
  const config = [
    `model = ${JSON.stringify(model)}`,
    'model_provider = "gateway"',
    '[model_providers.gateway]',
    'name = "Gateway"',
    `base_url = ${JSON.stringify(baseUrl)}`,
    'env_key = "GATEWAY_KEY"',
    'wire_api = "chat"',
  ];
  writeFileSync(path.join(folder, 'config.toml'), config.join('\n'));
  return runClient(CODEX, {
    binary,
    args: ['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access', prompt],
    folder,
    env: { GATEWAY_KEY: apiKey },
  });
}
