import { AI_SDK } from './ai-sdk';
import { CLAUDE_CODE } from './claude-code';
import { CODEX } from './codex';
import { LANGCHAIN } from './langchain';
import { OPENCODE } from './opencode';
import type { ClientTrial } from './trial';

export const TRIALS: readonly ClientTrial[] = [CLAUDE_CODE, CODEX, ...AI_SDK, ...LANGCHAIN, ...OPENCODE];
