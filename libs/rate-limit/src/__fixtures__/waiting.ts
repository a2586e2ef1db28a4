export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds until `work` has ended. */
export async function took(work: Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work;
  return performance.now() - startedAtMs;
}

/** Until `check` passes. @throws what it threw last, after `patienceMs`. */
export async function eventually(check: () => void | Promise<void>, patienceMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await pause(5);
    }
  }
}
