/** The cards of only those files that one cause of errors has hit. */
import type { Snapshot } from "@cofi/event-log/events";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { StageCards } from "../cards/stage-cards.js";
import { DataView, type ViewProps } from "../shared/view-state.js";
import { LiveState } from "../feed/live-state.js";

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
