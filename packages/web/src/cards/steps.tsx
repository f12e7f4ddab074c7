import { duration } from "../text/format.js";
import { shortMessage } from "../feed/feed.js";
import type { LiveState, StageState } from "../feed/live-state.js";
import { showEvent } from "../choices/place.js";
import { StageGlyph } from "../shared/status.js";
import { Message } from "../shared/name.js";

/** The work of the pipeline between stages, each in one line; an empty line before the first of it. */
export function Steps({ state }: { state: LiveState }) {
  const steps = state.steps.value.filter(({ summary }) => summary.value.status !== "pending");
  return (
    <section class="steps" aria-label="Steps between stages" hidden={steps.length === 0}>
      <ul>
        {steps.map((step) => (
          <Step key={step.summary.peek().stage} step={step} />
        ))}
      </ul>
    </section>
  );
}

/** The latest error of a step that failed, else what it says of its result: how many verdicts there are, and how many changed. */
function Step({ step }: { step: StageState }) {
  const summary = step.summary.value;
  const { label, description, status, startedAt, finishedAt } = summary;
  const wanted = status === "failed" ? "error" : "info";
  const said = step.feed.value.events.find(({ eventType, fileName }) => eventType === wanted && fileName === null);
  const took = startedAt && finishedAt ? duration(Date.parse(finishedAt) - Date.parse(startedAt)) : null;
  return (
    <li data-step={summary.stage} data-status={status} title={description}>
      <StageGlyph summary={summary} /> {label}
      {took !== null && <span class="soft"> {took}</span>}
      {said && (
        <button type="button" class="button quiet step-said" onClick={() => showEvent(said.id)}>
          <Message text={shortMessage(said)} />
        </button>
      )}
    </li>
  );
}
