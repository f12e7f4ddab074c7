/** What one host has done in one stage. */

/** In one run of the stage. */
export interface HostRun {
  /** The id with which the run began; 0 for the first. */
  runId: number;
  done: number;
  errors: number;
  /** Epoch ms of the first and the latest event of the host. */
  firstAt: number;
  lastAt: number;
}

export class HostStage {
  inFlight = 0;
  /** Sum of the known durations of the attempts that were done, in ms, and how many these are. */
  busyMs = 0;
  timed = 0;
  /** Those in which the host was seen. */
  readonly runs: HostRun[] = [];

  runOf(runId: number): HostRun {
    const latest = this.runs.at(-1);
    if (latest?.runId === runId) return latest;
    let run = this.runs.find((one) => one.runId === runId);
    if (!run) this.runs.push((run = { runId, done: 0, errors: 0, firstAt: Infinity, lastAt: -Infinity }));
    return run;
  }

  get done(): number {
    return this.runs.reduce((sum, { done }) => sum + done, 0);
  }

  get errors(): number {
    return this.runs.reduce((sum, { errors }) => sum + errors, 0);
  }

  get lastAt(): number {
    return this.runs.reduce((latest, { lastAt }) => Math.max(latest, lastAt), -Infinity);
  }
}
