/** Turns schemas as Kubernetes publishes them (OpenAPI) into strict JSON Schema. */

const annotations = new Set(['description', 'title', 'example', 'externalDocs', 'default', 'format']);

/**
 * The same schema without prose, in which an object holds what it is said to hold and nothing else, unless the schema says
 * that unknown fields are kept.
 */
export function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  if (isNumberOrText(schema)) return { type: ['integer', 'string'] };
  const { properties, ...rest } = schema;
  const kept = Object.entries(rest).filter(([key]) => !annotations.has(key) && !key.startsWith('x-'));
  const plain = Object.fromEntries(kept.map(([key, value]) => [key, closedKeyword(key, value)]));
  if (properties === undefined) return plain;
  const closedProperties = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, closed(value)]));
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in schema;
  return { ...plain, properties: closedProperties, ...(isOpen ? {} : { additionalProperties: false }) };
}

function closedKeyword(key, value) {
  if (key === 'pattern') return eitherCase(value);
  // What is under these is a condition on an object that another schema describes: it stays open.
  if (['allOf', 'anyOf', 'oneOf', 'not'].includes(key)) return value;
  return key === 'enum' || key === 'required' ? value : closed(value);
}

/** `(?i)`, of Go, is none of JavaScript's: each letter is told in both cases. */
function eitherCase(pattern) {
  if (!pattern.includes('(?i)')) return pattern;
  if (/[\\[]/.test(pattern)) throw new Error(`a pattern beyond this script: ${pattern}`);
  return pattern.replace('(?i)', '').replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}

function isNumberOrText(schema) {
  return schema['x-kubernetes-int-or-string'] === true || schema.format === 'int-or-string';
}

/** The names of the definitions that those named by `roots` lead to, these included, sorted. */
export function reachable(definitions, roots) {
  const found = new Set();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const [, reference] of JSON.stringify(definitions[name]).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      open.push(reference);
    }
  }
  return [...found].sort();
}
