/** More names than any catalog has. */
const NAMES_MOST = 1_000;
const known = new Map<string, Buffer>();

/**
 * A name as JSON, quotes included: of models and the like, of which there are few. Writing one takes as long as looking up
 * ten. What clients send has no place here.
 */
export function jsonOfName(name: string): Buffer {
  let bytes = known.get(name);
  if (bytes === undefined) {
    if (known.size >= NAMES_MOST) known.clear();
    known.set(name, (bytes = Buffer.from(JSON.stringify(name))));
  }
  return bytes;
}
