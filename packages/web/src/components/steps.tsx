import { duration, number } from "../format.js";
import { shortMessage } from "../feed.js";
import type { LiveState, StageState } from "../live-state.js";
import { StageGlyph } from "./status.js";

/** The work of the pipeline between stages, each in one line; nothing before the first of it. */
export function Steps({ state }: { state: LiveState }) {
  const steps = state.steps.value.filter(({ summary }) => summary.value.status !== "pending");
  if (steps.length === 0) return null;
  return (
    <section class="steps" aria-label="Steps between stages">
      <ul>
        {steps.map((step) => (
          <Step key={step.summary.peek().stage} step={step} />
        ))}
      </ul>
    </section>
  );
}

function Step({ step }: { step: StageState }) {
  const summary = step.summary.value;
  const { label, description, status, done, failed, startedAt, finishedAt } = summary;
  const error = status === "failed" ? step.feed.value.events.find(({ eventType }) => eventType === "error") : undefined;
  const counts = [done > 0 ? `${number(done)} done` : "", failed > 0 ? `${number(failed)} failed` : ""].filter(Boolean);
  const took = startedAt && finishedAt ? duration(Date.parse(finishedAt) - Date.parse(startedAt)) : null;
  return (
    <li data-step={summary.stage} data-status={status} title={description}>
      <StageGlyph summary={summary} /> {label}
      <span class="soft">
        {counts.length > 0 && ` ${counts.join(", ")}`}
        {took !== null && ` · ${took}`}
      </span>
      {error && <span class="step-error">{shortMessage(error)}</span>}
    </li>
  );
}
