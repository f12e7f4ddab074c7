import type { LiveState } from "../feed/live-state.js";
import { StageCard } from "./stage-card.js";

export function StageCards({ state }: { state: LiveState }) {
  return (
    <div class="cards">
      {state.stages.value.map((stage, index) => (
        <StageCard key={stage.summary.peek().stage} stage={stage} position={index + 1} state={state} />
      ))}
    </div>
  );
}
