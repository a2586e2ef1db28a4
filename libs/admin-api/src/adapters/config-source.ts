import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type GatewayConfig, loadGatewayConfig, type LoadedConfig } from '@switchboard/platform';

export interface ConfigSourceOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Upstreams on loopback are fine. */
  standalone: boolean;
  /** Adds what a first run lacks. */
  declare?: (config: GatewayConfig) => GatewayConfig;
  /** Warnings the operator was told already, at the start of the process say: not again. */
  told?: readonly string[];
}

const LOADS_MAX = 5;

/** gateway.yaml with the files of its secrets, as one thing that is read and watched. */
export class ConfigSource {
  private files: ReadonlySet<string> = new Set();
  private fingerprint: string | undefined;
  /** Base name of the file last read well. */
  private file: string | undefined;

  constructor(private readonly options: ConfigSourceOptions) {}

  /** Warnings told before the first `load`. */
  get told(): readonly string[] {
    return this.options.told ?? [];
  }

  /** `gateway.yaml`; `environment` where there is no file. */
  get name(): string {
    return this.file ?? 'environment';
  }

  /** Reads everything; `changed` then compares with what was read. */
  async load(): Promise<LoadedConfig> {
    for (let attempt = 1; ; attempt++) {
      const before = await fingerprintOf(this.files);
      const { loaded, files } = this.read();
      const after = await fingerprintOf(files);
      const known = files.size === this.files.size && [...files].every((file) => this.files.has(file));
      this.files = files;
      // Read while it was being changed, or for the first time: again, until what was read is what was compared.
      if ((!known || before !== after) && attempt < LOADS_MAX) continue;
      this.fingerprint = after;
      return this.accepted(loaded);
    }
  }

  /** Reads everything and remembers nothing. */
  peek(): LoadedConfig {
    return this.declared(this.read().loaded);
  }

  /** Whether any of the files has other content than when it was loaded. */
  async changed(): Promise<boolean> {
    return (await fingerprintOf(this.files)) !== this.fingerprint;
  }

  private read(): { loaded: LoadedConfig; files: ReadonlySet<string> } {
    const { env, cwd, standalone } = this.options;
    const files = new Set<string>();
    return { loaded: loadGatewayConfig({ env, cwd, standalone, onFile: (file) => files.add(file) }), files };
  }

  private accepted(loaded: LoadedConfig): LoadedConfig {
    const result = this.declared(loaded);
    if (result.ok) this.file = result.source === undefined ? undefined : path.basename(result.source);
    return result;
  }

  private declared(loaded: LoadedConfig): LoadedConfig {
    if (!loaded.ok) return loaded;
    if (this.file !== undefined && loaded.source === undefined) {
      // A mount that comes and goes must not end every key; without the file from the start, nothing is declared.
      return { ok: false, faults: [`${this.file}: is no longer there`] };
    }
    const { declare } = this.options;
    return declare === undefined ? loaded : { ...loaded, config: declare(loaded.config) };
  }
}

async function fingerprintOf(files: ReadonlySet<string>): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) {
    const content = await readFile(file).catch((error: NodeJS.ErrnoException) => `cannot be read: ${error.code ?? ''}`);
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
