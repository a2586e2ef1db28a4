import { dirname, resolve } from 'node:path';
import { isMap, isNode, isPair, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { DeclaredModel } from '../catalog/declared-model';
import { asRecord, type Reading } from './entries';
import { environmentProviders } from './environment-providers';
import { Faults, type ConfigPath } from './faults';
import type { GatewayConfig, Policies } from './gateway-config';
import { gatewaySchema } from './gateway-schema';
import { readModels } from './read-models';
import { readProviders } from './read-providers';
import { readTenants } from './read-tenants';
import { readTextFile } from './read-text-file';

export interface LoadOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** false where upstreams on loopback are to be refused as well. */
  standalone?: boolean;
  /** Is told of every file that is looked at, readable or not: those whose change may change the configuration. */
  onFile?: (path: string) => void;
}

export type LoadedConfig =
  | {
      ok: true;
      config: GatewayConfig;
      /** The file that was read; absent: there is none. */
      source: string | undefined;
      warnings: string[];
    }
  | { ok: false; faults: string[] };

/**
 * Reads `GATEWAY_CONFIG` (must exist), else `./gateway.yaml` where there is one, else the environment alone. Faults come
 * all together, in the order of the file, each with its path and line. Where neither file nor environment names a
 * provider, `providers` is empty: the simulator's turn.
 */
export function loadGatewayConfig(options: LoadOptions): LoadedConfig {
  const { env, cwd, standalone = true, onFile } = options;
  const named = env.GATEWAY_CONFIG?.trim() ?? '';
  const file = resolve(cwd, named === '' ? 'gateway.yaml' : named);
  onFile?.(file);
  const text = readTextFile(file);
  if (text.ok) return readDocument(text.text, { file, env, standalone, onFile });
  if (named === '' && text.code === 'ENOENT') {
    const secrets = { env, directory: cwd, onFile };
    return read({}, { faults: new Faults(), warnings: [], secrets, standalone }, undefined);
  }
  const variable = named === '' ? 'gateway.yaml' : 'GATEWAY_CONFIG';
  return { ok: false, faults: [`${variable}: ${file} cannot be read (${text.code})`] };
}

function readDocument(
  text: string,
  origin: { file: string; onFile: LoadOptions['onFile'] } & Required<Pick<LoadOptions, 'env' | 'standalone'>>,
): LoadedConfig {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true });
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => `line ${lineCounter.linePos(error.pos[0]).line}: ${error.message}`);
    return { ok: false, faults };
  }
  const lineOf = (path: ConfigPath): number | undefined => {
    const offset = offsetOf(document, path);
    return offset === undefined ? undefined : lineCounter.linePos(offset).line;
  };
  const reading: Reading = {
    faults: new Faults(lineOf),
    warnings: document.warnings.map((warning) => warning.message),
    secrets: { env: origin.env, directory: dirname(origin.file), onFile: origin.onFile },
    standalone: origin.standalone,
  };
  let contents: unknown;
  try {
    contents = document.toJS();
  } catch (error) {
    // Aliases are followed only now: to nowhere, or so many times over that it is an attack.
    return { ok: false, faults: [error instanceof Error ? error.message : String(error)] };
  }
  return read(contents, reading, origin.file);
}

/** Where a path starts: at its key, else (a field that is missing) where what should hold it starts. */
function offsetOf(document: Document, path: ConfigPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    const pair = isMap(node)
      ? node.items.find((item) => isNode(item.key) && String(item.key) === String(step))
      : undefined;
    if (isPair(pair) && isNode(pair.key)) {
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = typeof step === 'number' ? node.items[step] : undefined;
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function read(contents: unknown, reading: Reading, source: string | undefined): LoadedConfig {
  const { faults, warnings } = reading;
  const root = gatewaySchema.safeParse(contents ?? {});
  if (!root.success) faults.addIssues([], root.error.issues);
  const raw = asRecord(contents);
  const known = raw.providers === undefined ? environmentProviders(reading) : readProviders(raw.providers, reading);
  const models = readModels({ list: raw.models, builtinModels: raw.builtinModels !== false }, known, reading);
  const tenants = readTenants(raw.tenants, reading);
  if (root.success && !faults.any) refuseUnknownFallbacks(root.data.policies, models, faults);
  if (faults.any || !root.success) return { ok: false, faults: faults.list };
  const { brand, policies } = root.data;
  return { ok: true, config: { brand, providers: known.providers, models, policies, tenants }, source, warnings };
}

function refuseUnknownFallbacks({ fallbacks }: Policies, models: readonly DeclaredModel[], faults: Faults): void {
  const ids = new Set(models.map(({ id }) => id));
  fallbacks.forEach(({ to }, rule) => {
    to.forEach((id, index) => {
      if (!ids.has(id)) faults.add(['policies', 'fallbacks', rule, 'to', index], `${id} is not the id of a model`);
    });
  });
}
