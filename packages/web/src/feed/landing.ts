/** With which view a batch opens. */
import { isGoingOn } from "@cofi/views/batch-state";
import type { LiveState } from "./live-state.js";

type Landing = "stages" | "trades";

/**
 * A batch that is over and has verdicts opens with its trades, every other one with its stages. That is decided when the batch comes onto
 * the page: a page that somebody looks at does not turn into another one when the batch ends.
 */
export class Landings {
  /** By batch: the page may show another one for a moment, as after the restart of a dashboard. */
  readonly #decided = new Map<number, Landing>();

  of(state: LiveState): Landing {
    const batch = state.batch.value;
    if (!batch) return "stages";
    const decided = this.#decided.get(batch.id);
    if (decided) return decided;
    // There is no step before the first event of one; the stages are there as soon as the batch is.
    if (state.stages.value.length === 0) return "stages";
    const verdicts = state.steps.value.find(({ summary }) => summary.peek().stage === "verdicts")?.summary.peek();
    const landing = !isGoingOn(batch) && (verdicts?.done ?? 0) > 0 ? "trades" : "stages";
    this.#decided.set(batch.id, landing);
    return landing;
  }
}
