import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NamedSubject } from './measure';
import type { Pinning } from './pinning';
import type { Subject } from './subjects/subject';
import type { CannedUpstream } from './upstream';

/** Everything that runs. */
export interface RunningSubjects<Upstream extends CannedUpstream> {
  /** In the order they were given. */
  sides: NamedSubject[];
  upstream: Upstream;
  stop(): Promise<void>;
}

/**
 * One canned upstream, and every subject in front of it, in folders of their own.
 *
 * @param upstream not listening yet. @param profiling where whole CPU profiles go, and whether others are to be had while
 * they run. @throws when one does not start, the others stopped.
 */
export async function startSubjects<Upstream extends CannedUpstream>(
  subjects: readonly Subject[],
  { prefix: pinPrefix, moveDescendants, moveSubject }: Pinning,
  upstream: Upstream,
  { profilesFolder, onDemand = false }: { profilesFolder?: string | undefined; onDemand?: boolean } = {},
): Promise<RunningSubjects<Upstream>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'switchboard-bench-'));
  // Run as root, Postgres is another user, who has to get through.
  chmodSync(folder, 0o711);
  const sides: NamedSubject[] = [];
  const stop = async (): Promise<void> => {
    for (const { running } of sides.splice(0).reverse()) await running.stop();
    upstream.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const upstreamPort = await upstream.listen();
    for (const [index, { start, ...subject }] of subjects.entries()) {
      const own = path.join(folder, String(index));
      mkdirSync(own);
      const context = { upstreamPort, pinPrefix, moveDescendants, moveSubject, folder: own };
      const profiling = {
        ...(profilesFolder !== undefined && { profileFolder: path.join(profilesFolder, subject.name) }),
        ...(onDemand && { profileSocket: path.join(own, 'profile.sock') }),
      };
      sides.push({ ...subject, running: await start({ ...context, ...profiling }) });
    }
    return { sides, upstream, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
