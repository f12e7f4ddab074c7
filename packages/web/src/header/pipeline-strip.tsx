import type { StageState, LiveState } from "../feed/live-state.js";
import { percent } from "../text/format.js";
import { ProgressBar } from "../shared/progress-bar.js";
import { StageGlyph } from "../shared/status.js";

/** The ten stages in one line: the progress of the batch at a glance, and a link to each card. */
export function PipelineStrip({ state }: { state: LiveState }) {
  const stages = state.stages.value;
  if (stages.length === 0 || !state.batch.value) return <div class="strip strip-empty" />;
  return (
    <nav class="strip" aria-label="Stages">
      {stages.map((stage) => (
        <Segment key={stage.summary.peek().stage} stage={stage} isSilent={Boolean(state.batch.value?.silence)} />
      ))}
    </nav>
  );
}

function Segment({ stage, isSilent }: { stage: StageState; isSilent: boolean }) {
  const summary = stage.summary.value;
  const { status, progress, label } = summary;
  const go = (event: Event): void => {
    const card = document.getElementById(`stage-${summary.stage}`);
    if (!card) return;
    // Not by the URL, because its hash names the open event.
    event.preventDefault();
    card.scrollIntoView({ block: "start" });
    card.focus({ preventScroll: true });
  };
  return (
    <a class="segment" href={`#stage-${summary.stage}`} onClick={go} data-status={status}>
      <span class="segment-label">
        <StageGlyph summary={summary} isSilent={isSilent} />
        <span class="segment-name">{label}</span>
        <span class="segment-share">{status !== "processing" || progress === null ? "" : percent(progress)}</span>
      </span>
      <ProgressBar summary={summary} decorative />
    </a>
  );
}
