import { chat } from '../chat';
import type { UpstreamKind } from '../kind';

/**
 * vLLM, SGLang, llama.cpp, Ollama and whoever else serves Chat, each with its own holes; the dialect's decoder knows them.
 * All four list their models at once and without credential; llama.cpp answers 503 there while it loads its own.
 */
export const openaiCompatible: UpstreamKind = { ...chat, repairsReplies: true };
