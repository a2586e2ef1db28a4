import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { isAbandoned, newFolderName, type Owner } from './owner';

/**
 * Takes over what dead processes left in a folder of spools: theirs are renamed to this process' own. Renaming a folder is
 * atomic, so that of several who find it one has it, whole.
 *
 * @returns the new paths.
 */
export async function adoptAbandoned(dir: string, owner: Owner): Promise<string[]> {
  const adopted: string[] = [];
  for (const name of (await readdir(dir)).sort()) {
    if (!(await isAbandoned(name))) continue;
    const target = path.join(dir, newFolderName(owner));
    if (await renamed(path.join(dir, name), target)) adopted.push(target);
  }
  return adopted;
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    // Another one has it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
