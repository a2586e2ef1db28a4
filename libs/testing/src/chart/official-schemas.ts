import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import Ajv, { type ValidateFunction } from 'ajv8';
import type { KubernetesObject, KubernetesVersion } from './render-chart';

const FOLDER = path.join(__dirname, '../../../../deploy/chart/schemas');
const METADATA = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

interface Schemas {
  /** `apps/v1 Deployment` → the name of its definition. */
  kinds: Record<string, string>;
  definitions: Record<string, object>;
}

function read<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(path.join(FOLDER, `${name}.json.gz`))).toString('utf8')) as T;
}

/** Checks objects against the schemas of one Kubernetes version, and of custom resources; a field that none knows is a fault. */
export class OfficialSchemas {
  /** The last three: compiling takes a quarter of the time, and all versions together are compiled for few objects. */
  private readonly ajv = new Ajv({
    ...{ strict: false, validateFormats: false, allErrors: true },
    ...{ validateSchema: false, inlineRefs: false, code: { optimize: false } },
  });
  private readonly schemas: Schemas;
  private readonly custom = read<Record<string, object>>('custom-resources');
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(version: KubernetesVersion) {
    this.schemas = read<Schemas>(`kubernetes-${version}`);
    this.ajv.addSchema({ $id: 'kubernetes', definitions: this.schemas.definitions });
  }

  /** Each says where and what; none: the object is as it has to be. */
  faultsOf(object: KubernetesObject): string[] {
    const id = `${object.apiVersion} ${object.kind}`;
    const validate = this.validatorOf(id);
    if (validate === undefined) return [`${id}: no schema says what that is`];
    const faults = this.check(validate, object);
    // A custom resource's own schema leaves this to Kubernetes.
    const ofMetadata = this.check(
      this.compile(METADATA, { $ref: `kubernetes#/definitions/${METADATA}` }),
      object.metadata,
    );
    return [...faults, ...ofMetadata].map((fault) => `${id} ${object.metadata.name}: ${fault}`);
  }

  private check(validate: ValidateFunction, value: unknown): string[] {
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      return `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`;
    });
  }

  private validatorOf(id: string): ValidateFunction | undefined {
    const name = this.schemas.kinds[id];
    if (name !== undefined) return this.compile(name, { $ref: `kubernetes#/definitions/${name}` });
    const schema = this.custom[id];
    return schema === undefined ? undefined : this.compile(id, schema);
  }

  private compile(name: string, schema: object): ValidateFunction {
    const known = this.compiled.get(name);
    if (known !== undefined) return known;
    const validate = this.ajv.compile(schema);
    this.compiled.set(name, validate);
    return validate;
  }
}
