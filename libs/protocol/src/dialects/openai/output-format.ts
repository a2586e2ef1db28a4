import type { OutputFormat } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Findings } from './findings';

/** The API demands a name for the schema. */
const SCHEMA_NAME = 'response';

/** `name`, `schema`, `description` and `strict` of a `json_schema` format. */
export function decodeSchema(declared: JsonObject, path: string, findings: Findings): OutputFormat {
  const description = findings.scalar(declared, 'description', 'string', path);
  const strict = findings.scalar(declared, 'strict', 'boolean', path);
  return {
    type: 'json-schema',
    schema: findings.object(declared.schema, `${path}.schema`) ?? {},
    name: findings.required(declared, 'name', path),
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
  };
}

export function encodeSchema(format: OutputFormat & { type: 'json-schema' }): JsonObject {
  const { schema, name, description, strict } = format;
  const declared: JsonObject = { name: name ?? SCHEMA_NAME, schema };
  if (description !== undefined) declared.description = description;
  if (strict !== undefined) declared.strict = strict;
  return declared;
}
