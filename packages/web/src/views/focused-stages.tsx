/** The cards of only those files that one cause of errors has hit. */
import type { Snapshot } from "@cofi/event-log/events";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { StageCards } from "../components/stage-cards.js";
import { DataView, type ViewProps } from "../components/view-state.js";
import { LiveState } from "../live-state.js";

export function FocusedStages(props: ViewProps) {
  return (
    <DataView<Snapshot> {...props} path="snapshot">
      {(snapshot) => <Cards snapshot={snapshot} />}
    </DataView>
  );
}

function Cards({ snapshot }: { snapshot: Snapshot }) {
  const state = useMemo(() => new LiveState(), []);
  useLayoutEffect(() => state.takeSnapshot(snapshot), [snapshot]);
  return <StageCards state={state} />;
}
