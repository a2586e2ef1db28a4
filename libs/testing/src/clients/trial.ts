import type { Cell } from './cell';

/** The dialects an upstream may speak, each by the id of its provider in the trial's gateway.yaml. */
export const UPSTREAMS = ['anthropic', 'chat', 'responses'] as const;
export type Upstream = (typeof UPSTREAMS)[number];

/** As usage records name them. */
export const DIALECT_OF: Readonly<Record<Upstream, string>> = {
  anthropic: 'anthropic-messages',
  chat: 'openai-chat',
  responses: 'openai-responses',
};

export interface Scenario {
  /** Unique within its client. */
  name: string;
  /** What the upstream's simulator does, as the suffix of its model name: `;thinking=1`. */
  behaviour?: string;
  /** What the model's name begins with, where a client treats models by it. Default `trial/`. */
  modelPrefix?: string;
  /** How calls end in it beside well, as `unwellEnding` names them: `429 upstream_rejected`. Each must occur. */
  unwell?: readonly string[];
  /** It asks for nothing but token counts, which cost nothing and are not in the ledger. */
  countsOnly?: true;
  /** Runs the client and looks at what it did. Throws a {@link Discrepancy}. */
  play(cell: Cell): Promise<void>;
}

/** A client in one of its ways to reach the gateway. */
export interface ClientTrial {
  /** What `--only` names. */
  id: string;
  title: string;
  /** The npm packages that make it, the one with its version first. */
  packages: readonly [string, ...string[]];
  /** The dialect it speaks. */
  speaks: Upstream;
  /** Plain JavaScript, without a program of its own. */
  isLibrary?: true;
  /** How a user points it at the gateway: Markdown. `GATEWAY` stands for the gateway's address, `KEY` for a key. */
  setup: string;
  /** Of what it sends, what the named upstream's dialect cannot carry: features of losses. Others are a failure. */
  losses?: Partial<Record<Upstream, readonly string[]>>;
  scenarios: readonly Scenario[];
}

/** A client did not do what it should have. Its message is one line for people. */
export class Discrepancy extends Error {}

export function expectThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Discrepancy(otherwise);
}
