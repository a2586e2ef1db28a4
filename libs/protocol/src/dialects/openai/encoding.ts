import type { Part, ThinkingPart } from '../../conversation';
import type { Fault, RequestTarget } from '../../dialect';
import { lossOf, type Loss, type Unmapped } from '../../loss';
import type { ShortToolNames } from '../../tool-names';

/**
 * What writing one request turned up: losses, and the first thing that cannot be sent without changing the meaning.
 * Writers go on after a refusal; the caller looks at `fault` once, at the end. Created per request.
 */
export class Encoding {
  readonly losses: Loss[] = [];
  fault: Fault | undefined;

  constructor(
    readonly target: RequestTarget,
    private readonly shortNames: ShortToolNames,
  ) {}

  lose(feature: string, path: string): void {
    this.losses.push({ feature, path });
  }

  refuse(message: string, param: string): void {
    this.fault ??= { message, param };
  }

  loseUnmapped(unmapped: readonly Unmapped[] | undefined): void {
    for (const left of unmapped ?? []) this.losses.push(lossOf(left));
  }

  /** What may stand on any part and has no counterpart here. */
  loseExtras(part: Part, path: string): void {
    if (part.cache) this.lose('cache_control', `${path}.cache_control`);
    if (part.type === 'text' && part.citations?.length) this.lose('citations', `${path}.citations`);
    this.loseUnmapped(part.unmapped);
  }

  /** Thinking that is not sent, and its signature with it. */
  loseThinking({ signature }: ThinkingPart, path: string): void {
    this.lose('thinking', path);
    if (signature) this.lose('thinking.signature', `${path}.signature`);
  }

  toolName(own: string): string {
    return this.shortNames.get(own) ?? own;
  }
}
