import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Pinning } from '../pinning';
import { bareProxy } from '../subjects/bare-proxy';
import { startDistributedEdge, type RunningEdge } from '../subjects/distributed-edge';
import type { RunningSubject } from '../subjects/subject';
import { CannedUpstream } from '../upstream';
import { admissionConfig, callers, keys, slowReplyMs } from './callers';
import type { AdmissionOptions } from './options';

/** An edge with its ADMISSION_BATCH_MAX. */
export interface BatchedEdge extends RunningEdge {
  batchMax: number;
}

/** Everything that runs. */
export interface World {
  /** In order of their batch sizes. */
  edges: BatchedEdge[];
  bare: RunningSubject;
  stop(): Promise<void>;
}

/** @param profilesFolder where profiles go, if any are taken. @throws when a part does not start, the others stopped. */
export async function startWorld(
  { batchSizes, profile }: AdmissionOptions,
  { prefix, moveDescendants, moveSubject }: Pinning,
  profilesFolder: string,
): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-bench-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const stops: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const each of stops.reverse().splice(0)) await each();
  };
  const own = (name: string): string => {
    mkdirSync(path.join(folder, name));
    return path.join(folder, name);
  };
  const listen = async (upstream: CannedUpstream): Promise<number> => {
    stops.push(() => upstream.close());
    upstream.serve('whole', 0);
    return upstream.listen();
  };
  try {
    const [upstreamPort, slowPort] = [
      await listen(new CannedUpstream()),
      await listen(new CannedUpstream(slowReplyMs)),
    ];
    const common = { moveDescendants, moveSubject };
    const bare = await bareProxy.start({ ...common, upstreamPort, pinPrefix: prefix, folder: own('bare-proxy') });
    stops.push(() => bare.stop());
    const config = admissionConfig(upstreamPort, slowPort);
    const edges: BatchedEdge[] = [];
    for (const batchMax of batchSizes) {
      const name = `batch-${batchMax}`;
      const profiling = profile ? { profileFolder: path.join(profilesFolder, `admission-${name}`) } : {};
      const edge = await startDistributedEdge({
        ...{ ...common, config, keys, callers, folder: own(name) },
        env: { ADMISSION_BATCH_MAX: String(batchMax) },
        ...profiling,
      });
      stops.push(() => edge.stop());
      edges.push({ ...edge, batchMax });
    }
    return { edges, bare, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
