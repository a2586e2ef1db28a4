/** What tells upstreams apart. */
export function upstreamName({ provider, model }: { provider: string; model: string }): string {
  return `${provider}\n${model}`;
}

/** What tells the choices of a routing name apart. */
export function choiceName(modelId: string, upstream: { provider: string; model: string }): string {
  return `${modelId}\n${upstreamName(upstream)}`;
}
