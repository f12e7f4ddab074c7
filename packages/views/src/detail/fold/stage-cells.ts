/** One stage of all files, in typed arrays. */
import type { FileOutcome } from "@cofi/event-log/file-outcome";
import { GrowableArray } from "./growable-array.js";

/** State of a file in a stage, with the number that is stored. A file that no event of the stage names is `none`. */
export const CELL_STATES = ["none", "inFlight", "retrying", "done", "failed", "skipped"] as const satisfies readonly (
  | FileOutcome
  | "none"
)[];
export type CellState = (typeof CELL_STATES)[number];
export const CODE = Object.fromEntries(CELL_STATES.map((state, code) => [state, code])) as Record<CellState, number>;

const HOST_BITS = 32;

/** Index: the file. */
export class StageCells {
  /** Files that an event of the stage has named. */
  named = 0;
  /** Epoch ms at which the stage last reported progress. */
  progressAt = 0;
  readonly state = new GrowableArray(Uint8Array);
  /** The state by the latest attempt alone, whether or not the stage left the file out since. */
  readonly attempt = new GrowableArray(Uint8Array);
  /** Id of the event that says so. */
  readonly eventId = new GrowableArray(Float64Array);
  /** Attempts so far: the highest number that an event gave, or how often the file was started. */
  readonly attempts = new GrowableArray(Uint16Array);
  readonly starts = new GrowableArray(Uint16Array);
  /** Index of the host of the latest attempt, plus one; 0: none was named. */
  readonly host = new GrowableArray(Uint16Array);
  /** Bit n: host n has attempted the file; only for the first {@link HOST_BITS} hosts. */
  readonly attemptedBy = new GrowableArray(Int32Array);
  /** Epoch ms: start and end of the latest attempt. */
  readonly startedAt = new GrowableArray(Float64Array);
  readonly endedAt = new GrowableArray(Float64Array);
  /** Duration in ms of the latest finished attempt; -1 when unknown. */
  readonly duration = new GrowableArray(Float64Array);
  /** Index of the cause of the latest error, plus one; 0: none. */
  readonly cause = new GrowableArray(Uint16Array);
  readonly errorId = new GrowableArray(Float64Array);

  /** Whether the host has attempted the file; of hosts beyond the bits, only the latest is known. */
  wasAttemptedBy(file: number, host: number): boolean {
    return this.host.get(file) === host + 1 || (host < HOST_BITS && ((this.attemptedBy.get(file) >> host) & 1) === 1);
  }

  noteHost(file: number, host: number): void {
    if (host < HOST_BITS) this.attemptedBy.set(file, this.attemptedBy.get(file) | (1 << host));
  }

  stateOf(file: number): CellState {
    return CELL_STATES[this.state.get(file)] ?? "none";
  }

  attemptOf(file: number): CellState {
    return CELL_STATES[this.attempt.get(file)] ?? "none";
  }
}
