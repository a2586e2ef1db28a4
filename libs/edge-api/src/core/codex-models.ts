import type { Model } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';

/**
 * What Codex tells a model to be: it takes a catalog only from who gives these too, and has none of its own for models
 * that a catalog names.
 */
const BASE_INSTRUCTIONS = [
  'You are a coding agent in the Codex CLI. You share the workspace with the user and work on what they ask until it is done.',
  '',
  '- Look before you change: search with `rg`, read the files concerned and the instructions kept beside them (AGENTS.md).',
  '- Change no more than the task needs, in the manner of the code around it, and mend causes rather than symptoms.',
  '- Never undo or overwrite work that is not yours, and run nothing destructive, unless the user asks for that.',
  '- Edit files with `apply_patch` where it is offered. Run commands with the shell tool, and several at once where none needs another.',
  '- Check what you did with the tests and tools that the project has, and say so where you could not.',
  '- Keep the user informed in short sentences while you work. At the end say what changed, in which files, and what is left.',
].join('\n');

const EFFORTS = [
  { effort: 'low', description: 'Answers quickly, with little reasoning' },
  { effort: 'medium', description: 'Balances speed and depth of reasoning' },
  { effort: 'high', description: 'Reasons more deeply about hard problems' },
];

/** Of a tool's output, what Codex sends on. */
const OUTPUT_TOKENS = 10_000;

/**
 * The `models` of a listing, as Codex 0.169 reads them (`model_catalog_url`); members that only older releases require are
 * among them. One that Codex cannot read costs it the whole list. What cannot call tools is of no use to it.
 */
export function codexModels(models: readonly Model[]): JsonObject[] {
  return models
    .filter(({ category, capabilities }) => category === 'llm' && capabilities.tools !== 'none')
    .map(codexModel);
}

function codexModel({ id, displayName, description, contextWindow, capabilities }: Model, index: number): JsonObject {
  const { reasoning, vision } = capabilities;
  return {
    slug: id,
    display_name: displayName,
    description,
    ...(reasoning && { default_reasoning_level: 'medium' }),
    supported_reasoning_levels: reasoning ? EFFORTS : [],
    shell_type: 'unified_exec',
    visibility: 'list',
    supported_in_api: true,
    priority: index + 1,
    availability_nux: null,
    upgrade: null,
    base_instructions: BASE_INSTRUCTIONS,
    supports_reasoning_summaries: reasoning,
    supports_reasoning_summary_parameter: reasoning,
    default_reasoning_summary: reasoning ? 'auto' : 'none',
    support_verbosity: false,
    default_verbosity: null,
    apply_patch_tool_type: 'freeform',
    truncation_policy: { mode: 'tokens', limit: OUTPUT_TOKENS },
    supports_parallel_tool_calls: true,
    context_window: contextWindow,
    max_context_window: contextWindow,
    experimental_supported_tools: [],
    input_modalities: vision ? ['text', 'image'] : ['text'],
  };
}
