import { setFlagsFromString } from 'node:v8';

/**
 * For a process that serves calls, before it does: V8 collects its old generation only when that has grown to three times
 * what lives in it. It counts the bytes of bodies there too, and by itself allows some tens of megabytes of them: with
 * prompts of 200 KB all that lives, 40 MB of code and catalog, was marked eight times a second, for three quarters of the
 * CPU (3.1 ms a call, and 0.8 ms this way; `npm run bench`). Costs resident memory; `--max-old-space-size` bounds it as ever.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=200');
}
