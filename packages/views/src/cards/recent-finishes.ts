export const MINUTE_MS = 60_000;
/** Old ones are removed when there are twice as many as after the last time, but not of fewer than these. */
const LEAST_TO_TRIM = 1_000;

/** When files finished, in epoch ms: all in the minute before the latest event, and some older ones. */
export class RecentFinishes {
  #times: number[] = [];
  #toTrim = LEAST_TO_TRIM;

  /** @param latestAt of the events so far */
  add(at: number, latestAt: number): void {
    this.#times.push(at);
    if (this.#times.length < this.#toTrim) return;
    this.#times = this.#times.filter((time) => time > latestAt - MINUTE_MS);
    this.#toTrim = Math.max(LEAST_TO_TRIM, 2 * this.#times.length);
  }

  /** Takes back one that was added. */
  remove(at: number, latestAt: number): void {
    if (at <= latestAt - MINUTE_MS) return;
    const index = this.#times.indexOf(at);
    if (index !== -1) this.#times.splice(index, 1);
  }

  /** Those in the minute before the latest event that are not before `begunAt`. */
  count(latestAt: number, begunAt: number): number {
    return this.#times.filter((time) => time > latestAt - MINUTE_MS && time >= begunAt).length;
  }
}
