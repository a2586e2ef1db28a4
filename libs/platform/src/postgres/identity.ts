import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The user Postgres runs as, where it is not the gateway's own. */
export interface Identity {
  uid?: number;
  gid?: number;
}

/** `nobody` of Linux, and what containers use for it. initdb wants an entry in /etc/passwd for whoever runs it. */
const NOBODY = 65534;

/**
 * Postgres refuses to run as root. A gateway started as root runs it as the owner of the existing cluster (an earlier
 * start by an ordinary user), else as nobody.
 */
export async function identityFor(clusterDir: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return {};
  const owner = await stat(clusterDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return owner !== undefined && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: NOBODY, gid: NOBODY };
}

/** Whether that user can enter and write a folder: asked of the system itself, so ACLs and mounts count too. */
export async function canWrite(folder: string, identity: Identity): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'cd "$0" && test -w .', folder], { ...identity, cwd: '/' });
    return true;
  } catch (error) {
    // The shell's own exit status; anything else means that it could not be started as that user.
    if (typeof (error as { code?: unknown }).code === 'number') return false;
    throw new Error(
      `Cannot start a process as user ${identity.uid}, which the embedded Postgres needs when the gateway runs as root. ` +
        `Run the gateway as an ordinary user, or give it a database (DATABASE_URL).`,
      { cause: error },
    );
  }
}
