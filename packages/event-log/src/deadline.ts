/**
 * Waits for `work`, but for at most `ms`. After that the outcome is that of `late`, and what becomes of `work` no longer
 * matters to the caller.
 * @throws what `work` or `late` throws
 */
export async function deadline<T, Late>(work: Promise<T>, ms: number, late: () => Late): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Late>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error as Error);
      }
    }, ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
