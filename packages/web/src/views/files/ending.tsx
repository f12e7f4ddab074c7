import type { FilesPage } from "@cofi/views/detail/shapes";
import type { LiveState } from "../../feed/live-state.js";
import { usePolled } from "../../feed/polled.js";
import { FILE_LOOKS } from "../file-look.js";
import type { Attempt } from "./attempts.js";

/** Rows read, because the names of other files may contain the name of this one. */
const NAMESAKES = 100;

interface EndingProps {
  batchId: number;
  file: string;
  state: LiveState;
  attempts: readonly Attempt[];
}

/** Tells how the journey ended without an event: stages that should have seen the file, and stages that skip it. */
export function Ending({ batchId, file, state, attempts }: EndingProps) {
  const query = new URLSearchParams({ text: file, everything: "1", limit: String(NAMESAKES) });
  const { data } = usePolled<FilesPage>(`api/batch/${batchId}/files?${query}`, state).value;
  const cells = data?.rows.find(({ fileName }) => fileName === file)?.cells ?? [];
  const stages = state.stages.value.map(({ summary }) => summary.peek());
  const unsaid = stages.flatMap(({ stage, label }, index) => {
    const is = cells[index]?.state;
    if (is !== "missing" && (is !== "skipped" || attempts.some((one) => one.stage === stage))) return [];
    return [
      {
        stage,
        label,
        ...FILE_LOOKS[is],
        why: is === "missing" ? "never saw it, though it should have" : "leaves it out",
      },
    ];
  });
  return (
    <ul class="ending">
      {unsaid.map(({ stage, label, glyph, word, tone, why }) => (
        <li key={stage} data-tone={tone} data-stage={stage}>
          <span class="glyph" role="img" aria-label={word}>
            {glyph}
          </span>{" "}
          {label} {why}
        </li>
      ))}
    </ul>
  );
}
