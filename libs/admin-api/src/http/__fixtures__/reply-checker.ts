import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';

interface Document {
  paths: Record<string, Record<string, { responses: Record<string, Response> }>>;
  components: object;
}

interface Response {
  content: Record<string, { schema: object }>;
}

/** Holds replies to an OpenAPI document. */
export class ReplyChecker {
  private readonly ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(private readonly document: Document) {}

  /** The document's own path that a request's path is an instance of. */
  pathOf(path: string, method: string): string | undefined {
    return Object.keys(this.document.paths)
      .filter((known) => method.toLowerCase() in this.document.paths[known]!)
      .sort((left, right) => left.split('{').length - right.split('{').length || right.length - left.length)
      .find((known) => {
        const last = known.startsWith('/api/v1/models/') ? '.+' : '[^/]+';
        return new RegExp(`^${known.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, last)}$`).test(path);
      });
  }

  /** What is wrong with a reply; nothing where it is as the document says. */
  faultsOf(request: { method: string; path: string }, reply: { status: number; type: string; body: string }): string[] {
    const path = this.pathOf(request.path, request.method);
    if (path === undefined) return [`${request.method} ${request.path} is not in the document`];
    const response = this.document.paths[path]![request.method.toLowerCase()]!.responses[String(reply.status)];
    if (response === undefined) return [`${request.method} ${path} has no reply ${reply.status}`];
    const content = response.content[reply.type.split(';')[0]!];
    if (content === undefined) return [`${request.method} ${path} ${reply.status} has no ${reply.type}`];
    if (!reply.type.startsWith('application/json')) return [];
    const validate = this.validator(`${request.method} ${path} ${reply.status}`, content.schema);
    return validate(JSON.parse(reply.body)) ? [] : [`${request.method} ${path}: ${this.ajv.errorsText(validate.errors)}`];
  }

  private validator(name: string, schema: object): ValidateFunction {
    const known = this.compiled.get(name) ?? this.ajv.compile({ ...schema, components: this.document.components });
    this.compiled.set(name, known);
    return known;
  }
}
