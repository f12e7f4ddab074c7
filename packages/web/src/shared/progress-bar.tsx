import type { StageSummary } from "@cofi/event-log/events";
import { percent } from "../text/format.js";

interface Props {
  summary: StageSummary;
  /** The figures are beside the bar, so screen readers skip it. */
  decorative?: boolean;
}

/** Done, failed and in flight as shares of the total; a moving band while the total is unknown and files are in progress. */
export function ProgressBar({ summary, decorative = false }: Props) {
  const { totalFiles, done, failed, inFlight, status, progress } = summary;
  const isUnknown = progress === null;
  const share = (count: number): { inlineSize: string } => ({
    inlineSize: totalFiles ? `${Math.min(100, (count / totalFiles) * 100)}%` : "0",
  });
  const value = isUnknown ? {} : { "aria-valuenow": Math.round(progress * 100), "aria-valuetext": percent(progress) };
  const role = decorative
    ? { "aria-hidden": "true" as const }
    : {
        role: "progressbar" as const,
        "aria-label": `${summary.label}: progress`,
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        ...value,
      };
  return (
    <div class="progress" data-unknown={isUnknown && status === "processing" ? "" : undefined} {...role}>
      <span class="progress-done" style={share(done)} />
      <span class="progress-failed" style={share(failed)} />
      <span class="progress-busy" style={share(inFlight)} />
    </div>
  );
}
