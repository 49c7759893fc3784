// Waiting that ends. Owns no timer longer than the wait.

/** True when `work` came in time; its failure is the caller's. */
export async function inTime(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  return Promise.race([work.then(() => true), late.promise]).finally(() => clearTimeout(timer));
}
