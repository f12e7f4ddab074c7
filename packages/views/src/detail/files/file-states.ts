/** The state of each file in each stage, which also depends on the earlier stages. */
import type { StageSummary } from "@cofi/event-log/events";
import { STAGES } from "@cofi/event-log/stages";
import type { Detail } from "../fold/detail.js";
import { CELL_STATES } from "../fold/stage-cells.js";
import type { FileState } from "../shapes.js";

const IS_OF_RECORDINGS = STAGES.map(({ unit }) => unit === "recording");

/** States of many files: the parts that all files share are computed once. Valid until the detail or the summaries change. */
export class FileStates {
  readonly #detail: Detail;
  /** Stages that name their recordings: each gets those that the one before it has finished. */
  readonly #isInChain: readonly boolean[];
  readonly #isOver: readonly boolean[];
  readonly #states: (FileState | null)[] = STAGES.map(() => null);

  constructor(detail: Detail, summaries: readonly StageSummary[]) {
    this.#detail = detail;
    const latestNamed = STAGES.findLastIndex((_, stage) => IS_OF_RECORDINGS[stage] && detail.stages[stage]!.named > 0);
    this.#isInChain = STAGES.map((_, stage) => {
      if (!IS_OF_RECORDINGS[stage]) return false;
      const { status, done } = summaries[stage]!;
      if (detail.stages[stage]!.named > 0) return true;
      // A stage that only reports how many files it has done hands nothing on, and so does a stage that the batch passes over.
      return done === 0 && !(status === "pending" && stage < latestNamed);
    });
    this.#isOver = summaries.map(({ status }) => status === "success" || status === "failed");
  }

  /** Whether the stage hands recordings on by name, so that each can be accounted for. */
  isInChain(stage: number): boolean {
    return this.#isInChain[stage] === true;
  }

  /** By stage; null where the stage does not process the file. Each call reuses the same array. */
  of(file: number): readonly (FileState | null)[] {
    const { stages, isRecording } = this.#detail;
    const isInChain = this.#isInChain;
    const isRecordingFile = isRecording.get(file) === 1;
    const states = this.#states;
    let latest = -1;
    for (let stage = 0; stage < stages.length; stage++) {
      const own = CELL_STATES[stages[stage]!.state.get(file)]!;
      states[stage] = own === "none" ? null : own;
      if (own !== "none" && IS_OF_RECORDINGS[stage]) latest = stage;
    }
    if (!isRecordingFile) return states;
    let before: FileState | null | undefined;
    let skipped: "nowhere" | "in chain" | "beside it" = "nowhere";
    for (let stage = 0; stage < stages.length; stage++) {
      if (isInChain[stage]) {
        if (states[stage] === null) states[stage] = this.#unseen(stage, latest, before, skipped);
        before = states[stage];
        // The next stage counts it too, or the sums would not add up.
        if (skipped === "beside it") skipped = "in chain";
      }
      if (skipped === "nowhere" && stages[stage]!.state.get(file) === SKIPPED)
        skipped = IS_OF_RECORDINGS[stage] ? "in chain" : "beside it";
    }
    return states;
  }

  /** State of a file that no event of the stage names. `before`: its state in the stage that hands it on; undefined for the first stage. */
  #unseen(
    stage: number,
    latest: number,
    before: FileState | null | undefined,
    skipped: "nowhere" | "in chain" | "beside it",
  ): FileState | null {
    if (skipped === "beside it") return "skipped";
    if (skipped === "in chain" || (before !== undefined && before !== "done")) return null;
    return this.#isOver[stage] || latest > stage ? "missing" : "waiting";
  }
}

const SKIPPED = CELL_STATES.indexOf("skipped");
