/** All pages lose the dashboard at the same moment, so they come back to it at different ones. */
const RETRY_MS = { least: 1_000, spread: 6_000 };

/** ms until a page that was given up by its browser tries again. @param random from 0 to 1 */
export function retryMs(random: number): number {
  return Math.round(RETRY_MS.least + random * RETRY_MS.spread);
}
