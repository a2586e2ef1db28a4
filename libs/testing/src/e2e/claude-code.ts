import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { installClient, runClient, type ClientRun, type Installation, type NpmClient } from './installed-client';

const VERSION = '2.1.329';

const CLAUDE_CODE: NpmClient = {
  title: 'Claude Code',
  spec: `@anthropic-ai/claude-code@${VERSION}`,
  cache: 'claude-code',
  versionLine: VERSION,
  env: (folder) => ({
    CLAUDE_CONFIG_DIR: path.join(folder, '.claude'),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_TELEMETRY: '1',
  }),
  // npm installs only the platform packages that fit.
  binariesIn: (modules) => {
    const packages = path.join(modules, '@anthropic-ai');
    return (existsSync(packages) ? readdirSync(packages) : [])
      .filter((name) => name.startsWith('claude-code-'))
      .map((name) => path.join(packages, name, process.platform === 'win32' ? 'claude.exe' : 'claude'));
  },
};

export type ClaudeCodeRun = ClientRun;

export const installClaudeCode = (): Installation => installClient(CLAUDE_CODE);

export interface ClaudeCodeCall {
  binary: string;
  prompt: string;
  model: string;
  baseUrl: string;
  authToken: string;
  /** Home, configuration and working folder at once: nothing of the machine's owner is read or changed. */
  folder: string;
  allowedTools?: string[];
}

/** `claude -p PROMPT`, its reply as one JSON object on stdout. Never rejects; a run that does not end is killed. */
export function runClaudeCode(call: ClaudeCodeCall): Promise<ClaudeCodeRun> {
  const tools = call.allowedTools === undefined ? [] : ['--allowedTools', call.allowedTools.join(',')];
  return runClient(CLAUDE_CODE, {
    binary: call.binary,
    args: ['-p', call.prompt, '--model', call.model, '--output-format', 'json', ...tools],
    folder: call.folder,
    env: { ANTHROPIC_BASE_URL: call.baseUrl, ANTHROPIC_AUTH_TOKEN: call.authToken },
  });
}
