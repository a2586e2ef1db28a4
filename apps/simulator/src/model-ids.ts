/** What the listings show. Requests may name any other model: every name is served. */
export const MODEL_IDS: readonly string[] = ['sim-any', 'sim-fast', 'sim-claude', 'sim-gpt', 'sim-embedding'];
