/** What tells upstreams apart. */
export function upstreamName({ provider, model }: { provider: string; model: string }): string {
  return `${provider}\n${model}`;
}
