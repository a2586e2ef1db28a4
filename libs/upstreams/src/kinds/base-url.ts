export function mustEndInV1(baseUrl: string): string | undefined {
  return baseUrl.endsWith('/v1') ? undefined : 'must end in /v1';
}

export function mustNotEndInV1(baseUrl: string): string | undefined {
  return baseUrl.endsWith('/v1') ? 'must not end in /v1' : undefined;
}
